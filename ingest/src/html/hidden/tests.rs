use proptest::prelude::*;

use crate::document::Document;
use crate::read_bytes;

fn document(source: &str) -> Document {
    read_bytes("page.html", source.as_bytes()).unwrap().document
}

/// The page's text and what was kept out of it.
fn read(body: &str) -> (String, String) {
    let document = document(&format!("<!doctype html><title>T</title><p>Before</p>{body}<p>After</p>"));
    (document.text.replace("\n\n", " "), document.hidden.join(" | "))
}

fn check_hidden(body: &str) {
    let (text, hidden) = read(body);
    assert_eq!((text.as_str(), hidden.as_str()), ("Before After", "secret words"), "{body}");
}

fn check_shown(body: &str) {
    let (text, hidden) = read(body);
    assert_eq!((text.as_str(), hidden.as_str()), ("Before plain words After", ""), "{body}");
}

#[test]
fn a_style_attribute_hides() {
    for style in [
        // The colour of the background.
        "color:#fff",
        "color: White",
        "COLOR:#FFFFFE !important",
        "color:rgb(255,255,255)",
        "color:rgba(255 255 255 / 90%)",
        "color:hsl(0,0%,100%)",
        "color:#222;background:#222",
        "background-color:black",
        "color:#eee;background:#f3f3f3 none",
        "color:transparent",
        "color:rgba(0,0,0,0.01)",
        "color:#0000",
        "color:red;-webkit-text-fill-color:transparent",
        "color:#fff;text-shadow:0 0 2px #fefefe",
        "color:#fff;background:transparent",
        "color:#fff;background:rgba(0,0,0,.02)",
        // Off the page.
        "position:absolute;left:-9999px",
        "position:fixed;top:-9999px",
        "position:absolute;right:-9999px",
        "position:absolute;bottom:-9999px",
        "position:relative;left:-999em",
        "position:absolute;left:9999px",
        "position:absolute;inset:-9999px auto auto -9999px",
        "text-indent:-9999px",
        "margin-left:-9999px",
        "margin:0 0 0 -9999px",
        "position:absolute;clip:rect(0,0,0,0)",
        "position:absolute;clip:rect(1px 1px 1px 1px)",
        "clip-path:inset(50%)",
        "clip-path:inset(100%)",
        "clip-path:circle(0)",
        "clip-path:polygon(0 0,0 0,0 0)",
        "transform:scale(0)",
        "transform:scaleY(0.001)",
        "transform:translate(-9999px,0)",
        "transform:translateX(-500vw)",
        // Too small or too faint.
        "font-size:0",
        "font-size:1px",
        "font-size:2pt",
        "font-size:0.1em",
        "font-size:.1rem",
        "font-size:5%",
        "font:1px/1 Arial",
        "font:0/0 a",
        "font:bold 400 1px serif",
        "opacity:0",
        "opacity:.04",
        "opacity:0%",
        "height:0;overflow:hidden",
        "width:0;height:0;overflow:hidden",
        "width:1px;height:1px;overflow:hidden",
        "max-height:0;overflow:hidden",
        // Not there.
        "display:none",
        "display : none!important",
        "display:none;display:nonsense;display:x:y;",
        "color:#fff;color:nonsense;color:#ggg",
        "visibility:hidden",
        "visibility:collapse",
        "content-visibility:hidden",
    ] {
        check_hidden(&format!("<p style=\"{style}\">secret <b>words</b></p>"));
        check_hidden(&format!("<div style=\"{style}\"><p>secret</p> <p>words</p></div>"));
        check_hidden(&format!("<style>p.note {{ {style} }}</style><p class=\"a note\">secret words</p>"));
    }
}

#[test]
fn attributes_hide() {
    for body in [
        "<p hidden>secret words</p>",
        "<font color=white>secret words</font>",
        "<font color='FFFFFF'>secret words</font>",
        "<table bgcolor=#000080><tr><td><font color=navy>secret words</font></td></tr></table>",
        "<div style='color:#123456'><table><tr><td bgcolor=123456>secret words</td></tr></table></div>",
    ] {
        check_hidden(body);
    }
    let page = document("<body bgcolor=black text=white>Shown <font color=#010101>hidden</font> too");
    assert_eq!((page.text.as_str(), page.hidden.join("|").as_str()), ("Shown too", "hidden"));
}

#[test]
fn rules_of_the_page_hide() {
    for (rule, element) in [
        ("aside {color:#fff}", "<aside>secret words</aside>"),
        (".a, .x {color:#fff}", "<p class=x>secret words</p>"),
        ("#x {display:none}", "<p id=x>secret words</p>"),
        ("p.x.y {display:none}", "<p class='y x'>secret words</p>"),
        (".box .x {display:none}", "<div class=box><p><b class=x>secret words</b></div>"),
        (".box > .x {display:none}", "<div class=box><p class=x>secret words</div>"),
        ("[data-x] {display:none}", "<p data-x>secret words</p>"),
        (".x {color:white} p {color:black}", "<p class=x>secret words</p>"),
        (".x {color:white!important}", "<p class=x style='color:black'>secret words</p>"),
        ("html {font-size:10px} .x {font-size:.2rem}", "<p class=x>secret words</p>"),
        (".y {background:navy} .x {color:navy}", "<div class=y><p class=x>secret words</div>"),
        ("@media print {.x {display:block}} .x {display:none}", "<p class=x>secret words</p>"),
        (".x {display:block} .x {display:none}", "<p class=x>secret words</p>"),
    ] {
        check_hidden(&format!("<style>{rule}</style>{element}"));
    }
}

#[test]
fn text_that_is_seen_stays() {
    for body in [
        "<p aria-hidden=true>plain words</p>",
        "<p style='color:#fff;background:#222'>plain words</p>",
        "<div style='background-color:navy'><p style='color:white'>plain words</p></div>",
        "<div style='background:url(x.png)'><p style='color:white'>plain words</p></div>",
        "<div style='background:linear-gradient(#000,#111)'><p style='color:white'>plain words</p></div>",
        "<div style='background-image:url(x.png);background-color:#fff'><p style='color:white'>plain words</p></div>",
        "<div style='background:var(--dark)'><p style='color:white'>plain words</p></div>",
        "<div style='color:var(--light)'>plain words</div>",
        "<div background=x.png><font color=white>plain words</font></div>",
        "<p style='color:transparent;background:linear-gradient(red,blue);background-clip:text'>plain words</p>",
        "<p style='color:white;text-shadow:1px 1px 2px black'>plain words</p>",
        "<p style='color:white;-webkit-text-stroke:1px black'>plain words</p>",
        "<div style='color:white'><p style='color:black'>plain words</p></div>",
        "<div style='color:white'><a href=x>plain words</a></div>",
        "<p style='color:white'><mark>plain words</mark></p>",
        "<div style='font-size:0'><p style='font-size:14px'>plain</p> <p style='font-size:medium'>words</p></div>",
        "<div style='visibility:hidden'><p style='visibility:visible'>plain words</p></div>",
        "<p style='font:italic 400 12px/1.5 serif'>plain words</p>",
        "<p style='font-size:calc(1px + 1vw)'>plain words</p>",
        "<p style='opacity:.6'>plain words</p>",
        "<p style='position:absolute;left:-10px;top:900px'>plain words</p>",
        "<p style='left:-9999px'>plain words</p>",
        "<p style='margin:0 -9999px;padding:0 9999px'>plain words</p>",
        "<p style='padding-bottom:9999px;margin-bottom:-9999px'>plain words</p>",
        "<p style='position:absolute;left:50%;margin-left:-960px;transform:translate(-50%,-50%)'>plain words</p>",
        "<p style='text-indent:-2em;margin-left:2em'>plain words</p>",
        "<p style='height:1px'>plain words</p>",
        "<p style='overflow:hidden;width:100px;height:2em'>plain words</p>",
        "<p style='clip:rect(0,0,0,0)'>plain words</p>",
        "<p style='clip-path:polygon(0 0,100% 0,100% 100%,0 100%)'>plain words</p>",
        "<p style='transform:scale(.5) translateX(-50%)'>plain words</p>",
        "<p style='opacity:0;animation:fade 1s forwards'>plain words</p>",
        "<details><summary>plain</summary><p style='display:none'>words</p></details>",
        "<div><img src=x><p style='position:absolute;color:white'>plain words</p></div>",
        "<p hidden style='display:block'>plain words</p>",
        "<p style='color-scheme:dark;color:#fff'>plain words</p>",
        "<p style='color:inherit;display:;;:x;{}'>plain words</p>",
    ] {
        check_shown(body);
    }
}

#[test]
fn rules_of_the_page_hide_no_more_than_they_say() {
    for (rule, element) in [
        (".dark {background:#111}", "<div class=dark><p style='color:#fff'>plain words</div>"),
        (".dark {background:#111; color:#eee}", "<p class=dark>plain words"),
        ("@media print {.x {display:none}}", "<p class=x>plain words"),
        ("@media (max-width:600px) {.x {display:none}}", "<p class=x>plain words"),
        (".x {display:none} @media (min-width:600px) {.x {display:block}}", "<p class=x>plain words"),
        (".x {display:none} p.x {display:block}", "<p class=x>plain words"),
        (".x:hover {opacity:0} .x::before {display:none}", "<p class=x>plain words"),
        (".x {display:none} .x:target {display:block}", "<p class=x>plain words"),
        (".tab {display:none} .tab.active {display:block}", "<p class=tab>plain words"),
        (".menu {max-height:0;overflow:hidden} .open .menu {max-height:9em}", "<p class=menu>plain words"),
        (".fade {opacity:0;transition:opacity 1s}", "<p class=fade>plain words"),
        (".y .x {display:none}", "<p class=x>plain words"),
        (".y > .x {display:none}", "<div class=y><div><p class=x>plain words</div></div>"),
        (".x + p {display:none}", "<p>plain words"),
        ("@keyframes a {p {opacity:0}} @font-face {display:none}", "<p>plain words"),
        (".hero::before {background:#000} .hero {color:#fff}", "<p class=hero>plain words"),
        ("/* p {display:none} */", "<p>plain words"),
        ("p {display:none", "<div>plain words</div><p style='display:block'>"),
    ] {
        let page = document(&format!("<style>{rule}</style><div>Before</div>{element}"));
        assert_eq!(page.text.replace("\n\n", " "), "Before plain words", "{rule}");
        assert!(page.hidden.is_empty(), "{rule}");
    }
    for page in [
        "<style>body {background:#222; color:#fff}</style><p>plain words",
        "<style>html {background:#222} p {color:#fff}</style><p>plain words",
        "<style>:root {color-scheme:dark light} p {color:#fff}</style><p>plain words",
        "<style>body {opacity:0; visibility:hidden; display:none}</style><p>plain words",
        "<style>html {font-size:62.5%} p {font-size:1.6rem}</style><p>plain words",
        "<style media=print>p {display:none}</style><p>plain words",
        "<link rel=stylesheet href=x><div class=hero><p style='color:#fff'>plain words</div>",
        "<link rel=stylesheet href=x><p style='background:#000'>plain words",
    ] {
        assert_eq!((document(page).text.as_str(), document(page).hidden.len()), ("plain words", 0), "{page}");
    }
}

#[test]
fn a_linked_sheet_does_not_excuse_a_white_page() {
    let page = document("<link rel=stylesheet href=x><p>Shown</p><p style='color:#fff'>hidden</p>");
    assert_eq!((page.text.as_str(), page.hidden.join("|").as_str()), ("Shown", "hidden"));
}

#[test]
fn structure_stays_around_what_is_taken_out() {
    let page = document(
        "<h1>Title<span style='opacity:0'> not</span></h1><ul><li>a</li><li hidden>b</li><li>c<i style='color:#fff'>d</i></li></ul>\
         <table><tr><th>x</th><th style='display:none'>y</th></tr><tr><td>1</td><td style='display:none'>2</td></tr></table>\
         <p><img alt='seen'><img alt='unseen' style='visibility:hidden'>",
    );
    assert_eq!(page.text, "Title\n\n- a\n- c\n\n| x |\n| --- |\n| 1 |\n\nseen");
    assert_eq!(page.hidden, ["not", "b", "d", "y", "2", "unseen"]);
    assert_eq!(page.title, "Title");
}

#[test]
fn code_and_menus_are_not_reported() {
    let page = document("<nav style='display:none'>menu</nav><div hidden><script>x()</script><style>y</style>z</div>a");
    assert_eq!((page.text.as_str(), page.hidden.join("|").as_str()), ("a", "z"));
}

/// What it costs to match rules with elements stays bounded.
#[test]
fn many_rules_and_many_elements_are_read_in_time() {
    let rules = |rule: &dyn Fn(usize) -> String| (0..10_000).map(rule).collect::<String>();
    let elements = "<p class='a b'>word</p>".repeat(10_000);
    for sheet in [
        rules(&|n| format!(".c{n} .a {{color:#111}}")),
        rules(&|_| "* .b.a {color:#111}".to_owned()),
        rules(&|n| format!("#i{n}, .c{n} {{display:none}}")),
    ] {
        let start = std::time::Instant::now();
        let page = document(&format!("<style>{sheet}</style>{elements}"));
        assert_eq!(page.blocks.len(), 10_000);
        let took = start.elapsed();
        assert!(took < std::time::Duration::from_secs(20), "{took:?}");
    }
}

proptest! {
    #[test]
    fn no_style_brings_the_reader_down(
        parts in proptest::collection::vec(prop::sample::select(vec![
            "color", "background", "font", "font-size", "clip-path", "transform", "left", "position", ":", ";", "{", "}",
            "(", ")", "rgb(", "inset(", "translate(", "-9999px", "50%", "0", "1e39", "-", "#fff", "#", "white", "!important",
            "@media", "print", ".x", "#x", "p", ">", "+", "*", "[", "]", "'", "/*", "*/", "\\", "é", " ", ",", "/", "none",
            "var(--x)", "hsl(1,2%,", "::before", ":not(", "NaN", "absolute",
        ]), 0..40),
        any in "[^\\x00-\\x1f]{0,60}",
    ) {
        let style = parts.concat();
        for style in [style.as_str(), any.as_str()] {
            let attribute = style.replace('"', "'");
            let source = format!("<style>{style}</style><p id=x class=x style=\"{attribute}\">a<b>b</b></p>");
            prop_assert!(document(&source).is_consistent());
        }
    }

    #[test]
    fn text_is_either_shown_or_reported(
        parts in proptest::collection::vec(prop::sample::select(vec![
            "<p>", "</p>", "<div style='color:#fff'>", "<div hidden>", "</div>", "<b style='font-size:0'>", "</b>", "<li>",
            "<span style='visibility:hidden'>", "<i style='visibility:visible'>", "</i>", "</span>", "<p style='color:red'>",
            "<table><tr><td style='opacity:0'>", "</td></tr></table>", " ",
        ]), 0..30),
    ) {
        let mut source = String::new();
        for (number, part) in parts.iter().enumerate() {
            source.push_str(&format!("{part}w{number}x "));
        }
        let page = document(&source);
        let hidden = page.hidden.join(" ");
        for number in 0..parts.len() {
            let word = format!("w{number}x");
            prop_assert!(page.text.contains(&word) != hidden.contains(&word), "{word} in {source}: {page:?}");
        }
    }
}
