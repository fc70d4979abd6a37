use super::*;
use crate::answer::excerpt::Excerpt;
use crate::answer::extremes::leave_lesser_rows_unread;
use crate::answer::fixture::excerpt;

fn said(draft: &str, question: &str, sources: &[(&str, &str)]) -> Vec<(String, Verdict, usize)> {
    let mut excerpts: Vec<Excerpt> = (1..).zip(sources).map(|(id, (source, text))| excerpt(id, source, text)).collect();
    for shown in &mut excerpts {
        let mut hits = [shown.hit.clone()];
        leave_lesser_rows_unread(question, &mut hits);
        shown.hit.extremes = std::mem::take(&mut hits[0].extremes);
    }
    let checked = verify(draft, question, &Packed { excerpts }, &|_| 1.0);
    checked.into_iter().map(|checked| (checked.text, checked.verdict, checked.sources.len())).collect()
}

#[test]
fn a_bare_answer_gives_way_to_the_words_of_the_source() {
    let faq = [("FAQ › Is the K20 a newer K2?", "No. The K20 is a flow meter. It does not detect water on the floor.")];
    let question = "Does a K20 detect water on the floor?";
    let words = "It does not detect water on the floor.";
    // The model is wrong: only the source speaks.
    assert_eq!(said("Yes.", question, &faq), [(words.to_owned(), Verdict::Supported, 1)]);
    assert_eq!(said("No.", question, &faq), [(format!("No. {words}"), Verdict::Supported, 1)]);
    let battery = [("常见问题 › K2 可以用充电电池吗？", "不可以。充电电池的电压太低，K2 会误报电量不足。")];
    assert_eq!(
        said("不可以", "K2 可以用充电电池吗", &battery),
        [("不可以。充电电池的电压太低，K2 会误报电量不足。".to_owned(), Verdict::Supported, 2)]
    );
    // Saying the question again is no better than a bare yes.
    let quiet = [("Alarms", "Quiet hours never mute a leak alarm; they mute only beeps.")];
    assert_eq!(
        said("Yes, quiet hours can mute a leak alarm.", "Can quiet hours mute a leak alarm?", &quiet),
        [("Quiet hours never mute a leak alarm; they mute only beeps.".to_owned(), Verdict::Supported, 1)]
    );
    // A word of a source proves nothing, either.
    let feeds = [("Feeds", "The feed says yes or no for every valve.")];
    assert_eq!(said("Yes.", question, &feeds), [("Yes.".to_owned(), Verdict::Unsupported, 0)]);
    // Nothing here speaks of it.
    let other = [("Prices", "The cable costs 39 euros.")];
    assert_eq!(said("Yes.", question, &other), [("Yes.".to_owned(), Verdict::Unsupported, 0)]);
}

#[test]
fn a_bare_answer_gives_way_to_what_the_model_looked_at_in_another_language() {
    let settled = |looked: &[f32]| {
        let mut shown = excerpt(1, "Batteries", "The K2 takes two cells. Rechargeable cells must not be used.");
        shown.looked = looked.to_vec();
        let checked = verify("不能。", "可以用充电电池吗？", &Packed { excerpts: vec![shown] }, &|_| 1.0);
        (checked[0].text.clone(), checked[0].verdict)
    };
    assert_eq!(settled(&[0.2, 0.7]), ("Rechargeable cells must not be used.".to_owned(), Verdict::Supported));
    assert_eq!(settled(&[0.3, 0.4]).1, Verdict::Unsupported);
    assert_eq!(settled(&[]).1, Verdict::Unsupported);
}

#[test]
fn a_question_in_the_documents_says_nothing() {
    let faq = [("常见问题", "**问：能把海外项目迁到上海地域吗？**\n没有自动迁移功能。请联系技术支持。")];
    let question = "海外项目能迁到上海地域吗？";
    assert_eq!(said("能把海外项目迁到上海地域。", question, &faq)[0].1, Verdict::Unsupported);
    let wash = [("FAQ", "## Can the HEPA filter be washed?\n\nNo. Washing destroys the fibres. Rinse the other one.")];
    let question = "Is it all right to wash my filter?";
    assert_eq!(said("The HEPA filter can be washed.", question, &wash)[0].1, Verdict::Unsupported);
    let no = "The HEPA filter cannot be washed, since washing destroys the fibres.";
    assert_eq!(said(no, question, &wash)[0].1, Verdict::Supported);
    let tools = [("Tools", "Can the old drill be used under water? Ask us before you try. The lamp is yellow.")];
    let question = "What can be used under water?";
    assert_eq!(said("The old drill can be used under water.", question, &tools)[0].1, Verdict::Unsupported);
    // Unless a question is what is asked for.
    let study = [("Study", "The research question is hard. Does sleep improve memory in old mice?")];
    let draft = "Does sleep improve memory in old mice?";
    assert_eq!(said(draft, "What is the research question?", &study)[0].1, Verdict::Supported);
}

#[test]
fn an_identifier_that_no_source_has_is_wrong() {
    let boxes = [("Boxes", "The td-a1 has 16 cores and 64 GB of memory. The td-m1 has 8 cores.")];
    let question = "Which box has 16 cores?";
    assert_eq!(said("The td-a1 has 16 cores.", question, &boxes)[0].1, Verdict::Supported);
    assert_eq!(said("The td-a2 has 16 cores.", question, &boxes)[0].1, Verdict::Unsupported);
}

#[test]
fn a_cell_of_another_row_than_the_one_that_is_meant_is_wrong() {
    let table = "| 项目 | H1 | H1 Mini |\n|---|---|---|\n| 尺寸 | 118 毫米 | 80 毫米 |\n| 重量 | 210 克 | 96 克 |";
    let question = "H1 Mini 有多重？";
    assert_eq!(said("80 毫米", question, &[("参数", table)])[0].1, Verdict::Unsupported);
    assert_eq!(said("96 克", question, &[("参数", table)])[0].1, Verdict::Supported);
}

#[test]
fn what_has_the_most_is_no_row_that_another_outdoes() {
    let table = "| Item | Price |\n|---|---|\n| A5 | 149 EUR |\n| A7 | 349 EUR |\n| A5 Plus | 199 EUR |";
    let verdict = |draft: &str, question: &str| said(draft, question, &[("Prices", table)])[0].1;
    let question = "Which item has the highest price?";
    assert_eq!(verdict("The item with the highest price is the A7.", question), Verdict::Supported);
    assert_eq!(verdict("The item with the highest price is the A5 Plus.", question), Verdict::Unsupported);
    let table = "| | A5 | A7 |\n|---|---|---|\n| Weight | 4 kg | 8 kg |";
    let verdict = |draft: &str| said(draft, "Which one is the heaviest?", &[("Data", table)])[0].1;
    assert_eq!(verdict("The A7 is the heaviest."), Verdict::Supported);
    assert_eq!(verdict("The A5 is the heaviest."), Verdict::Unsupported);
}

#[test]
fn the_cheapest_is_no_row_that_another_outdoes() {
    let table = "| Item | Order number | Price (EUR) | Price (USD) | Members |\n|---|---|---|---|---|\n\
                 | A7 Mini | NV-108 | 89.00 | 95.00 | 82.00 EUR |\n\
                 | HEPA filter A5 | NV-205 | 29.90 | 32.00 | 26.90 EUR |\n\
                 | Wall bracket (A7 Mini only) | NV-301 | 14.50 | 16.00 | 12.50 EUR |";
    let draft = "The cheapest purifier is the HEPA filter A5 with an order number NV-205, priced at 29.90 EUR.";
    assert_eq!(said(draft, "What is the cheapest purifier?", &[("Prices", table)])[0].1, Verdict::Unsupported);
    let draft = "The cheapest product is the wall bracket with a price of 14.50 EUR.";
    assert_eq!(said(draft, "What is the cheapest product?", &[("Prices", table)])[0].1, Verdict::Supported);
    // Brackets and filters are no purifiers, but nothing in the table says so.
    let draft = "The cheapest purifier is the wall bracket with a price of 14.50 EUR.";
    let prices = [("Prices", &*format!("{table}\n\nA purifier is a machine."))];
    assert_eq!(said(draft, "What is the cheapest purifier?", &prices)[0].1, Verdict::Unsupported);
}

#[test]
fn a_number_of_another_column_in_another_language_is_wrong() {
    let table = "| 项目 | A5 | A5 Plus |\n|---|---|---|\n| 净重 | 4.5 千克 | 5.4 千克 |";
    let verdict = |draft: &str| said(draft, "How heavy is the A5 Plus?", &[("参数", table)])[0].1;
    assert_eq!(verdict("4.5 kilograms [1]"), Verdict::Unsupported);
    assert_eq!(verdict("5.4 kilograms [1]"), Verdict::Supported);
}

#[test]
fn amounts_and_denials_are_held_against_another_language_as_well() {
    let verdict = |draft: &str| {
        let rules = [("Rules", "Accidents must be reported within 48 hours.")];
        said(&format!("{draft} [1]"), "事故最晚多久之内要报告？", &rules)[0].1
    };
    assert_eq!(verdict("最晚48小时之内要报告。"), Verdict::Supported);
    assert_eq!(verdict("最晚48天之内要报告。"), Verdict::Unsupported);
    assert_eq!(verdict("48小时之内不要报告。"), Verdict::Unsupported);
}

#[test]
fn prices_in_the_unit_of_their_column_are_no_other_amounts() {
    let table =
        "| Item | Price (EUR) | Price (USD) | Members |\n|---|---|---|---|\n| A5 | 149.00 | 159.00 | 139.00 EUR |";
    let question = "How much is the A5?";
    let prices = [("Prices", table)];
    assert_eq!(said("The A5 costs 149.00 EUR.", question, &prices)[0].1, Verdict::Supported);
    assert_eq!(said("The A5 costs 139.00 EUR.", question, &prices)[0].1, Verdict::Unsupported);
    let members = "How much is the A5 for members?";
    assert_eq!(said("The A5 costs members 139.00 EUR.", members, &prices)[0].1, Verdict::Supported);
}

#[test]
fn a_name_is_found_in_the_next_sentence() {
    let plague = [(
        "Plague",
        "That the plague was caused by bad air became the accepted theory. Today, this is known as the Miasma \
         theory.",
    )];
    let question = "What is the bad air theory called?";
    let draft = "The bad air theory is called the Miasma theory.";
    assert_eq!(said(draft, question, &plague), [(draft.to_owned(), Verdict::Supported, 2)]);
    // One wrong name among many right ones is wrong.
    let dates = [("Plague", "It reached Crimea, Genoa, Messina, Pisa and Venice by ship from Caffa.")];
    let right = "By ship it reached Crimea, Genoa, Messina, Pisa and Venice.";
    assert_eq!(said(right, "Where did the plague go?", &dates)[0].1, Verdict::Supported);
    let other = right.replace("Pisa", "Ghent");
    assert_eq!(said(&other, "Where did the plague go?", &dates)[0].1, Verdict::Unsupported);
    let wrong = "The bad air theory is called the Aether theory.";
    assert_eq!(said(wrong, question, &plague)[0].1, Verdict::Unsupported);
}

#[test]
fn a_neighbour_that_carries_a_part_is_cited_too() {
    let brandt = [("Pump", "Ada Brandt built the pump in Ghent and tested it at nine bar. The valve is brass.")];
    let draft = "Ada Brandt built the pump in Ghent and tested it at nine bar, and the valve is brass.";
    assert_eq!(said(draft, "Who built the pump?", &brandt), [(draft.to_owned(), Verdict::Supported, 2)]);
    let pump = [("Pump", "The pump is made in Ghent. It needs oil every 500 hours. Nobody likes the smell of it.")];
    let draft = "The pump needs oil every 500 hours.";
    assert_eq!(said(draft, "How often does it need oil?", &pump), [(draft.to_owned(), Verdict::Supported, 1)]);
}

#[test]
fn across_scripts_a_shared_name_is_needed_and_not_enough() {
    let faq = [("FAQ", "Data of customers in Europe is kept in Ghent for 90 days.")];
    let verdict = |draft: &str| said(draft, "欧洲用户的数据放在哪里？", &faq)[0].1;
    assert_eq!(verdict("放在 Ghent，保存 90 天。"), Verdict::Supported);
    assert_eq!(verdict("放在 Lyon，保存 90 天。"), Verdict::Unsupported);
    assert_eq!(verdict("Ghent 没有机房。"), Verdict::Unsupported);
}

#[test]
fn a_value_of_another_column_does_not_stand() {
    let hubs = [("Hubs", "| | H1 | H1 Mini |\n| --- | --- | --- |\n| Weight | 210 g | 96 g |")];
    let verdict = |draft: &str| said(draft, "What is the weight of the H1 Mini?", &hubs)[0].1;
    assert_eq!(verdict("The weight of the H1 Mini is 96 g."), Verdict::Supported);
    assert_eq!(verdict("The weight of the H1 Mini is 210 g."), Verdict::Unsupported);
}

#[test]
fn a_value_of_another_row_does_not_stand() {
    let rows = "| Product | Warranty |\n| --- | --- |\n| K2 | 24 months |\n| K2 Pro | 36 months |";
    let verdict = |draft: &str, asked: &str| said(draft, asked, &[("Warranty", rows)])[0].1;
    assert_eq!(verdict("It is 36 months.", "How long is the warranty of the K2 Pro?"), Verdict::Supported);
    assert_eq!(verdict("It is 24 months.", "How long is the warranty of the K2 Pro?"), Verdict::Unsupported);
    assert_eq!(verdict("It is 24 months.", "How long is the warranty of the K2?"), Verdict::Supported);
    assert_eq!(verdict("它是 24 个月。", "K2 Pro 的保修期是多久？"), Verdict::Unsupported);
    assert_eq!(verdict("The K2 Pro has 36 months.", "Which K2 is covered longest?"), Verdict::Supported);
    let asked = "How long is the warranty of the K2, and who sells it?";
    assert_eq!(verdict("The warranty is 36 months, and shops sell it.", asked), Verdict::Unsupported);
    assert_eq!(verdict("It is 24 months.", "How long is the shortest warranty?"), Verdict::Supported);
}

#[test]
fn what_stands_under_a_heading_that_denies_is_denied() {
    let text = "- Corrosion by chlorinated pool water\n- Damage by frost";
    let mut hit = excerpt(1, "Warranty", text).hit;
    hit.passage.headings = vec!["Warranty".into(), "What is not covered".into()];
    let shown = Excerpt::of(&hit, &sentences(text));
    let verdict = |draft: &str| {
        let packed = Packed { excerpts: vec![shown.clone()] };
        let question = "Does the warranty cover corrosion by chlorinated pool water?";
        let checked = verify(draft, question, &packed, &|_| 1.0);
        (checked[0].text.clone(), checked[0].verdict)
    };
    // A restatement gives way to the source, under its heading.
    let quote = "What is not covered: Corrosion by chlorinated pool water";
    assert_eq!(
        verdict("Yes, the warranty covers corrosion by chlorinated pool water."),
        (quote.into(), Verdict::Supported)
    );
    assert_eq!(verdict("Yes.").0, quote);
    assert_eq!(verdict("The warranty covers damage by frost and corrosion.").1, Verdict::Unsupported);
    let right = "Damage by frost is not covered.";
    assert_eq!(verdict(right), (right.into(), Verdict::Supported));
}

#[test]
fn no_name_is_put_together_from_two_columns() {
    let rows = [("Noise", "| | A5 Plus | A7 |\n| --- | --- | --- |\n| Noise | 54 dB | 61 dB |")];
    assert_eq!(said("The A7 Plus has 61 dB.", "Which is the loudest?", &rows)[0].1, Verdict::Unsupported);
    let checked = verify(
        "The A7 has a noise of 61 dB.",
        "Which is the loudest?",
        &Packed { excerpts: vec![excerpt(1, rows[0].0, rows[0].1)] },
        &|_| 1.0,
    );
    assert_eq!(checked[0].verdict, Verdict::Supported, "{checked:?}");
}

#[test]
fn one_value_of_a_row_says_whose_it_is() {
    let fares = [("Fares", "| | Adult | Senior |\n| --- | --- | --- |\n| day return | £22.00 | £17.50 |")];
    let row = "day return; Adult: £22.00; Senior: £17.50";
    assert_eq!(said("£22.00", "What does a pensioner pay for a day return?", &fares)[0].0, row);
    assert_eq!(said("£17.50", "What does a senior pay for a day return?", &fares)[0].0, "£17.50");
}

#[test]
fn what_is_no_sum_answers_no_question_for_one() {
    let menu = [("Menu", "| Dish | Salt |\n| --- | --- |\n| Tofu | 3.9 g |")];
    assert_eq!(said("Tofu has 3.9 g.", "What does the tofu cost?", &menu)[0].1, Verdict::Unsupported);
}

#[test]
fn a_row_affirms_nothing() {
    let rows = [("Warranty", "| Product | Warranty |\n| --- | --- |\n| Hub H10 | 36 months |")];
    let found = said("Yes.", "Does the warranty of the Hub H10 last long?", &rows);
    assert_eq!(found, [("Product: Hub H10; Warranty: 36 months".to_owned(), Verdict::Supported, 1)]);
}

#[test]
fn a_row_is_cited_alone_and_read_under_its_head() {
    let codes = [(
        "Exit codes",
        "| Code | Meaning |\n| --- | --- |\n| 5 | the hub reports an error |\n| 6 | the valve did not reach its end position |",
    )];
    let draft = "The exit code 6 indicates that the valve did not reach its end position.";
    assert_eq!(said(draft, "What does exit code 6 mean?", &codes), [(draft.to_owned(), Verdict::Supported, 1)]);
}
