// The words of the page, in English and Chinese.

/** @type {Record<string, Record<string, string>>} */
export const WORDS = {
  en: {
    views: "Views", ask: "Ask", library: "Library", question: "Question", send: "Ask", stop: "Stop", document: "Document", close: "Close",
    placeholder: "Ask your documents…", drop: "Drop PDF, Markdown, HTML or text files here", choose: "Choose files", filter: "Filter documents",
    welcome: "What do your documents say?", lead: "Every sentence of an answer is checked and cites the place it stands on.",
    empty: "There are no documents yet. Add some in the library.", addFirst: "Add documents",
    searching: "searching…", reading: "reading {n} passages…", writing: "writing…", draft: "Draft, not checked yet",
    grounded: "every sentence stands on the sources", partial: "some sentences were left out: the sources do not support them",
    refused: "The documents do not answer this question.", refusedHelp: "These passages come closest. Other words, or a more specific question, may help.",
    why: "Why these sources", passage: "Passage", meaning: "meaning", words: "words", graph: "graph", second: "second look", matched: "words in common",
    copy: "Copy with sources", copied: "Copied", retry: "Try again", stopped: "stopped", seconds: "{s} s, {n} tokens read, {k} kept",
    page: "page {n}", line: "line {a}", lines: "lines {a}–{b}", busy: "The model is busy with other questions. Try again in {s} s.",
    failed: "It did not work: {why}", counts: "{d} documents, {p} passages", pending: "{n} passages are not searchable by meaning yet",
    remove: "Remove", undo: "Undo", removed: "{name} was removed from the index", ready: "ready", queued: "queued", searchable: "searchable by words", failedFile: "failed",
    history: "History", noHistory: "Nothing has been asked yet.", export: "Export", forget: "Delete", sure: "Delete for good?",
    link: "Link", storedAnswer: "A stored answer, given {when} by {model}; receipt {id}.",
    graphView: "Graph", graphWords: "Words, a name, a question", draw: "Draw", graphPicture: "Picture of the graph; the list beside it holds the same",
    graphAbout: "{e} names and {p} passages around “{q}”", graphMore: "there are more", graphHint: "Drag to move, scroll to zoom; a click on a passage opens it, on a name draws what is around it.", noGraph: "Nothing is known around “{q}”.", graphEmpty: "Draw what your documents connect: give words above, or choose Graph beside an answer or a document.",
    keysHelp: "Keys", keyAsk: "to the question", keyTurns: "next and previous answer", keyCites: "next and previous citation of the answer", keyOpen: "open the citation in its document", keyClose: "close the document", keyHelp: "this list",
    healthAll: "all", healthFailed: "{n} could not be read", healthWarned: "{n} with remarks", passages: "{n} passages", onePassage: "1 passage", gone: "This document is no longer in the index: {why}",
    ofPages: "{n} of {all}", quoted: "In the documents’ words", understood: "Understood as: {q}",
    up: "A good answer", down: "Wrong, or lacking", thanks: "noted", fresh: "New conversation",
  },
  zh: {
    views: "视图", ask: "提问", library: "文库", question: "问题", send: "提问", stop: "停止", document: "文档", close: "关闭",
    placeholder: "向您的文档提问…", drop: "将 PDF、Markdown、HTML 或文本文件拖到这里", choose: "选择文件", filter: "筛选文档",
    welcome: "您的文档怎么说？", lead: "回答中的每一句都经过核对，并注明出处。",
    empty: "还没有文档。请先到文库中添加。", addFirst: "添加文档",
    searching: "正在检索…", reading: "正在阅读 {n} 个段落…", writing: "正在撰写…", draft: "草稿，尚未核对",
    grounded: "每一句都有出处", partial: "部分句子没有出处支持，已略去",
    refused: "文档中没有找到这个问题的答案。", refusedHelp: "以下段落最为接近。换一种说法，或把问题问得更具体，也许会有帮助。",
    why: "为什么是这些来源", passage: "段落", meaning: "语义", words: "词语", graph: "图谱", second: "复核", matched: "共同的词",
    copy: "连同出处复制", copied: "已复制", retry: "重试", stopped: "已停止", seconds: "{s} 秒，读 {n} 个词元，沿用 {k} 个",
    page: "第 {n} 页", line: "第 {a} 行", lines: "第 {a}–{b} 行", busy: "模型正忙。请在 {s} 秒后重试。",
    failed: "没有成功：{why}", counts: "{d} 个文档，{p} 个段落", pending: "{n} 个段落尚不能按语义检索",
    remove: "移除", undo: "撤销", removed: "已从索引中移除 {name}", ready: "就绪", queued: "排队中", searchable: "可按词检索", failedFile: "失败",
    history: "历史", noHistory: "还没有提过问题。", export: "导出", forget: "删除", sure: "确定永久删除？",
    link: "链接", storedAnswer: "这是保存的回答，由 {model} 于 {when} 给出；凭据 {id}。",
    graphView: "图谱", graphWords: "词语、名称或问题", draw: "绘制", graphPicture: "图谱的图像；旁边的列表内容相同",
    graphAbout: "“{q}”周围有 {e} 个名称、{p} 个段落", graphMore: "还有更多", graphHint: "拖动平移，滚轮缩放；点击段落打开原文，点击名称绘制其周围。", noGraph: "“{q}”周围没有内容。", graphEmpty: "看看您的文档把什么联系在一起：在上方输入词语，或在回答、文档旁点击“图谱”。",
    keysHelp: "快捷键", keyAsk: "转到提问框", keyTurns: "下一个、上一个回答", keyCites: "回答中下一个、上一个引用", keyOpen: "在文档中打开引用", keyClose: "关闭文档", keyHelp: "本列表",
    healthAll: "全部", healthFailed: "{n} 个无法读取", healthWarned: "{n} 个有备注", passages: "{n} 个段落", onePassage: "1 个段落", gone: "索引中已没有这个文档：{why}",
    ofPages: "第 {n} 页，共 {all} 页", quoted: "文档原文", understood: "理解为：{q}",
    up: "回答得好", down: "有误或不完整", thanks: "已记录", fresh: "新对话",
  },
};

let language = localStorage.getItem("language") ?? (navigator.language.startsWith("zh") ? "zh" : "en");

/** @returns {string} */
export const current = () => language;

/** @param {string} key @param {Record<string, any>} [values] @returns {string} */
export function t(key, values = {}) {
  const words = WORDS[language][key] ?? key;
  return words.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/** Puts the words of the language into the fixed parts of the page. @param {string} wanted */
export function apply(wanted) {
  language = wanted;
  localStorage.setItem("language", wanted);
  document.documentElement.lang = wanted === "zh" ? "zh-CN" : "en";
  for (const node of document.querySelectorAll("[data-i18n]")) node.textContent = t(node.getAttribute("data-i18n") ?? "");
  for (const node of document.querySelectorAll("[data-i18n-placeholder]"))
    node.setAttribute("placeholder", t(node.getAttribute("data-i18n-placeholder") ?? ""));
  for (const node of document.querySelectorAll("[data-i18n-label]")) node.setAttribute("aria-label", t(node.getAttribute("data-i18n-label") ?? ""));
}
