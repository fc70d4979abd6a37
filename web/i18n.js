// The words of the page, in English and Chinese.

/** @type {Record<string, Record<string, string>>} */
export const WORDS = {
  en: {
    views: "Views", ask: "Ask", history: "History", library: "Library", graphView: "Graph", fresh: "New", theme: "Light or dark", leave: "Sign out", close: "Close", document: "Document",
    question: "Question", placeholder: "Ask your documents…", followUp: "Ask a follow-up…", send: "Ask", stop: "Stop", scope: "Answer from", everything: "All documents", hint: "Enter to ask, Shift + Enter for a new line",
    welcome: "What do your documents say?", lead: "Every sentence of an answer is checked, and cites the place it stands on.",
    empty: "There is nothing to ask yet: the library is empty.", addFirst: "Add documents", preparing: "The language model is being prepared; a first answer may take longer.", recent: "Asked lately",
    premise: "About the question:", newer_version: "Edition:", disagreement: "Sources disagree:",
    searching: "Searching…", readingPassages: "Reading {n} passages…", writing: "Writing; each sentence is checked before it stays…", draft: "Draft, not checked yet",
    grounded: "Every sentence stands on its sources", partial: "Some sentences were left out: the sources do not carry them", quotes: "Quoted from the sources; what was written from them did not stand", verbatim: "Word for word from the source", took: "{s} s", kept: "kept from before",
    refused: "The documents do not answer this", closest: "These passages come closest:", tryThis: "What may help:", tryWords: "Ask in the words that the documents use, or about one thing at a time.",
    trySearch: "Search all passages for this", tryAdd: "Add the document that says it", tryAll: "Ask all documents, not this collection only",
    sources: "Sources", why: "Why these sources", whyHelp: "The place of each passage in each search; the model reads the best.", passage: "Passage", across: "found across languages, place {n}", meaning: "Meaning", words: "Words", graph: "Graph", second: "2nd look", matched: "Words in common", fate: "Given to the model",
    wasRead: "yes", notRead: "no", why_repeats: "no: repeats another", why_no_room: "no: no room left", why_superseded: "no: another edition", why_elsewhere: "no: for elsewhere", why_no_model: "no: quoted without it", by_topic: "Graph: it mentions {name}, as the question does", by_shared: "Graph: mentions {name}, like {from}", by_neighbour: "Graph: stands next to a passage of {from}",
    leftOut: "Left out, because the sources do not carry it", support: "({n} % carried)", quoted: "In the documents’ words", cost: "{s} s; {n} tokens read, of which {k} were kept from before; {g} written.",
    understood: "Understood as: {q}", copy: "Copy", link: "Link", copied: "Copied", copyByHand: "This browser lets no page copy that comes without https. Copy it from here:", retry: "Try again", stopped: "Stopped", up: "A good answer", down: "Wrong, or lacking", thanks: "Noted, thank you",
    busy: "The model is busy with other questions; asking again in {s} s", notReady: "The server is not ready; asking again in {s} s", failed: "It did not work: {why}",
    page: "page {n}", line: "line {a}", lines: "lines {a}–{b}", ofPages: "{n} of {all}", previous: "Previous page", next: "Next page", gone: "This document cannot be shown: {why}", changed: "This document has changed since it was cited; these words do not stand in it any more:",
    storedAnswer: "A stored answer, given {when} by {model}; receipt {id}.",
    noHistory: "Nothing has been asked yet.", today: "Today", yesterday: "Yesterday", export: "Save as Markdown", forget: "Delete", sure: "Delete for good?",
    drop: "Drop files or folders here", kinds: "PDF, Markdown, HTML and text, in English and Chinese", choose: "Choose files", collections: "Collections", newShelf: "New collection", newShelfName: "Name", make: "Make", removeShelf: "Remove this collection", sureShelf: "Remove {name} and its documents from the index?",
    filter: "Filter documents by name", within: "Search inside", nothingNamed: "No document has these words in its name. Search inside looks at what they say.", nothingFound: "No passage says anything about this.", remarks: "Remarks", showMore: "Show {n} more",
    counts: "{d} documents, {p} passages", pending: "{n} passages not searchable by meaning yet", passages: "{n} passages", onePassage: "1 passage",
    health_unreadable: "Unreadable {n}", health_empty: "Empty {n}", health_textless_pages: "Pages without text {n}", health_hidden_text: "Hidden text {n}", health_unknown_characters: "Unknown characters {n}", health_damaged: "Damaged {n}", health_duplicate: "Duplicates {n}", sameAs: "The same, byte for byte, as {name}",
    remove: "Remove", undo: "Undo", removed: "{name} was removed", removedStays: "{name} was removed. Its file stays, and comes back when its folder is added again, as the server may do at its start.", replaced: "{name} took the place of its earlier version", replacedMany: "{n} files took the place of their earlier versions", files: "{n} files", otherKinds: "are of kinds that are not read", sending: "sending, {n} %", readingFiles: "reading {a} of {b}", embedding: "searchable by words; by meaning {a} of {b} passages", jobDone: "ready", jobFailed: "{n} could not be read",
    queued: "waiting", reading: "being read", ready: "ready", unchanged: "was there already", searchable: "searchable by words", failedFile: "failed",
    graphWords: "Words, a name, a question", draw: "Draw", graphPicture: "Picture of the graph; the list beside it holds the same",
    graphAbout: "{e} names and {p} passages around “{q}”", graphMore: "Show more.", graphHint: "Drag to move, scroll to zoom; a click on a passage opens it, on a name draws what is around it.", graphHintTouch: "Drag to move, pinch to zoom; a tap on a passage opens it, on a name draws what is around it.", noGraph: "Nothing is known around “{q}”.", graphEmpty: "See what your documents connect: give words above, or choose Graph beside an answer or a document.",
    keysHelp: "Keys", keyAsk: "to the question", keyTurns: "next and previous answer", keyCites: "next and previous citation of the answer", keyOpen: "open the citation in its document", keyPages: "pages of the document", keyClose: "close the document, or stop the answer", keyHelp: "this list",
    doorTitle: "This library needs a key", doorHelp: "Whoever runs the server makes one with “attest keys create”. It is kept in this browser.", doorKey: "Key", enter: "Enter", doorWrong: "This key is not valid: unknown, expired or revoked.",
  },
  zh: {
    views: "视图", ask: "提问", history: "历史", library: "文库", graphView: "图谱", fresh: "新对话", theme: "浅色或深色", leave: "退出", close: "关闭", document: "文档",
    question: "问题", placeholder: "向您的文档提问…", followUp: "继续追问…", send: "提问", stop: "停止", scope: "回答范围", everything: "全部文档", hint: "按 Enter 提问，Shift + Enter 换行",
    welcome: "您的文档怎么说？", lead: "回答中的每一句都经过核对，并注明出处。",
    empty: "文库还是空的，暂时没有可以提问的内容。", addFirst: "添加文档", preparing: "语言模型正在准备，第一次回答可能较慢。", recent: "最近的提问",
    premise: "关于问题：", newer_version: "版本：", disagreement: "出处不一致：",
    searching: "正在检索…", readingPassages: "正在阅读 {n} 个段落…", writing: "正在撰写，每一句核对后才会保留…", draft: "草稿，尚未核对",
    grounded: "每一句都有出处", partial: "部分句子没有出处支持，已略去", quotes: "引自原文；所写的句子没有出处支持，已略去", verbatim: "出处原文", took: "{s} 秒", kept: "沿用之前的回答",
    refused: "文档中没有找到这个问题的答案", closest: "以下段落最为接近：", tryThis: "可以试试：", tryWords: "用文档中的说法来问，或一次只问一件事。",
    trySearch: "在所有段落中检索", tryAdd: "添加写有答案的文档", tryAll: "不限于这个合集，向全部文档提问",
    sources: "来源", why: "为什么是这些来源", whyHelp: "各段落在每种检索中的名次；模型阅读排在最前的段落。", passage: "段落", across: "跨语言检索第 {n} 名", meaning: "语义", words: "词语", graph: "图谱", second: "复核", matched: "共同的词", fate: "交给模型",
    wasRead: "是", notRead: "否", why_repeats: "否：与其他段落重复", why_no_room: "否：篇幅所限", why_superseded: "否：以另一版本为准", why_elsewhere: "否：适用于其他地区", why_no_model: "否：直接引用原文", by_topic: "图谱：与问题一样提到“{name}”", by_shared: "图谱：与 {from} 一样提到“{name}”", by_neighbour: "图谱：与 {from} 的段落相邻",
    leftOut: "没有出处支持、因而略去的句子", support: "（支持度 {n}%）", quoted: "文档原文", cost: "{s} 秒；读 {n} 个词元，其中 {k} 个沿用之前的结果；写 {g} 个。",
    understood: "理解为：{q}", copy: "复制", link: "链接", copied: "已复制", copyByHand: "浏览器只允许 https 页面写入剪贴板，请从这里复制：", retry: "重试", stopped: "已停止", up: "回答得好", down: "有误或不完整", thanks: "已记录，谢谢",
    busy: "模型正在回答其他问题，{s} 秒后自动重试", notReady: "服务器尚未就绪，{s} 秒后自动重试", failed: "没有成功：{why}",
    page: "第 {n} 页", line: "第 {a} 行", lines: "第 {a}–{b} 行", ofPages: "第 {n} 页，共 {all} 页", previous: "上一页", next: "下一页", gone: "无法显示这个文档：{why}", changed: "引用之后文档已经修改，以下文字已不在其中：",
    storedAnswer: "这是保存的回答，由 {model} 于 {when} 给出；凭据 {id}。",
    noHistory: "还没有提过问题。", today: "今天", yesterday: "昨天", export: "保存为 Markdown", forget: "删除", sure: "确定永久删除？",
    drop: "将文件或文件夹拖到这里", kinds: "PDF、Markdown、HTML 和文本，中文英文均可", choose: "选择文件", collections: "合集", newShelf: "新建合集", newShelfName: "名称", make: "新建", removeShelf: "移除这个合集", sureShelf: "从索引中移除 {name} 及其文档？",
    filter: "按名称筛选文档", within: "检索内容", nothingNamed: "没有名称含有这些词的文档。“检索内容”会查找文档里的文字。", nothingFound: "没有相关的段落。", remarks: "备注", showMore: "再显示 {n} 个",
    counts: "{d} 个文档，{p} 个段落", pending: "{n} 个段落尚不能按语义检索", passages: "{n} 个段落", onePassage: "1 个段落",
    health_unreadable: "无法读取 {n}", health_empty: "空文件 {n}", health_textless_pages: "有无文字页 {n}", health_hidden_text: "有隐藏文字 {n}", health_unknown_characters: "有未知字符 {n}", health_damaged: "已损坏 {n}", health_duplicate: "重复 {n}", sameAs: "与 {name} 内容完全相同",
    remove: "移除", undo: "撤销", removed: "已移除 {name}", removedStays: "已移除 {name}。文件本身仍在原处，重新添加其文件夹（例如服务器启动）时会再次出现。", replaced: "{name} 已取代之前的版本", replacedMany: "{n} 个文件已取代之前的版本", files: "{n} 个文件", otherKinds: "的类型无法读取", sending: "正在上传，{n}%", readingFiles: "正在读取，{a}/{b}", embedding: "可按词检索；按语义 {a}/{b} 个段落", jobDone: "就绪", jobFailed: "{n} 个无法读取",
    queued: "排队中", reading: "正在读取", ready: "就绪", unchanged: "已在文库中", searchable: "可按词检索", failedFile: "失败",
    graphWords: "词语、名称或问题", draw: "绘制", graphPicture: "图谱的图像；旁边的列表内容相同",
    graphAbout: "“{q}”周围有 {e} 个名称、{p} 个段落", graphMore: "显示更多。", graphHint: "拖动平移，滚轮缩放；点击段落打开原文，点击名称绘制其周围。", graphHintTouch: "拖动平移，双指缩放；点按段落打开原文，点按名称绘制其周围。", noGraph: "“{q}”周围没有内容。", graphEmpty: "看看您的文档把什么联系在一起：在上方输入词语，或在回答、文档旁点击“图谱”。",
    keysHelp: "快捷键", keyAsk: "转到提问框", keyTurns: "下一个、上一个回答", keyCites: "回答中下一个、上一个引用", keyOpen: "在文档中打开引用", keyPages: "文档翻页", keyClose: "关闭文档，或停止回答", keyHelp: "本列表",
    failure_unreadable: "无法打开这个文件，请检查权限", failure_unsupported: "这种类型的文件无法读取", failure_encrypted: "文件受密码保护，请先解除密码", failure_unsupported_encryption: "文件的加密方式不受支持", failure_damaged: "文件已损坏", failure_no_text: "文件里没有文字，可能是扫描件，需要先做文字识别", failure_timed_out: "读取超时", failure_crashed: "读取时出错", failure_too_large: "文件太大", failure_name: "文件名不可用（过长、以点开头或指向上级文件夹）", failure_twice: "这次上传中有两个同名文件", failure_mislabeled: "内容与扩展名或声明的类型不符", failure_clash: "这个名称已被文件夹或文件占用", failure_newer: "之后又上传了同名的文件", failure_gone: "已无法撤销：移除的内容只保留一天",
    remark_textless_pages: "第 {n} 页没有文字，可能是扫描件，需要先做文字识别", remark_unknown_characters: "有些字符无法识别", remark_hidden_text: "有 {n} 个读者看不到的字符，未用于检索和回答", remark_empty: "里面没有文字", remark_damaged: "文件已损坏，已读出能读的部分",
    doorTitle: "需要密钥才能进入", doorHelp: "密钥由服务器管理者用 attest keys create 创建，只保存在这个浏览器中。", doorKey: "密钥", enter: "进入", doorWrong: "密钥无效：不存在、已过期或已撤销。",
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

/** What the server says in English, where there are words for its code. @param {string} kind `failure` or `remark` @param {string | null} code @param {string} english @returns {string} */
export function told(kind, code, english) {
  const words = WORDS[language][`${kind}_${code}`];
  // What counts in it are the numbers.
  return words ? words.replace("{n}", english.match(/\d[\d, ]*/)?.[0].trim() ?? "") : english;
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
