//! Writes small PDFs for tests: text at given places, and whatever objects a
//! test adds by hand.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::fmt::Write;

/// A page of a size in points with the operators that draw it.
#[derive(Clone, Default)]
pub struct PageText {
    operators: String,
}

/// The fonts that pages can use.
#[derive(Clone, Copy)]
pub enum Font {
    Regular,
    Bold,
    Mono,
    /// A font that is not embedded, whose codes are UTF-16 (Adobe-GB1).
    Chinese,
}

pub const WIDTH: f32 = 595.0;
pub const HEIGHT: f32 = 842.0;

impl PageText {
    /// Draws `text` with its baseline `y` points below the top of the page.
    pub fn text(mut self, x: f32, y: f32, size: f32, font: Font, text: &str) -> Self {
        let name = match font {
            Font::Regular => "F1",
            Font::Bold => "F2",
            Font::Mono => "F3",
            Font::Chinese => "F4",
        };
        let string = match font {
            Font::Chinese => {
                let codes: String = text.encode_utf16().map(|unit| format!("{unit:04X}")).collect();
                format!("<{codes}>")
            }
            _ => format!("({})", text.replace('\\', "\\\\").replace('(', "\\(").replace(')', "\\)")),
        };
        writeln!(self.operators, "BT /{name} {size} Tf {x} {} Td {string} Tj ET", HEIGHT - y).unwrap();
        self
    }

    /// Lines below each other, the first at `y`.
    pub fn lines(self, x: f32, y: f32, size: f32, font: Font, lines: &[&str]) -> Self {
        let step = size * 1.2;
        lines.iter().enumerate().fold(self, |page, (i, line)| page.text(x, y + step * i as f32, size, font, line))
    }

    /// Any operators.
    pub fn raw(mut self, operators: &str) -> Self {
        writeln!(self.operators, "{operators}").unwrap();
        self
    }

    /// A thin line from left to right.
    pub fn rule(self, from: f32, to: f32, y: f32) -> Self {
        self.raw(&format!("0.5 w {from} {0} m {to} {0} l S", HEIGHT - y))
    }
}

/// Objects by number, to be written as a file. Number 1 is the catalog.
pub struct Objects(pub Vec<(usize, Vec<u8>)>);

/// The objects of a file with `pages`; `catalog` is added to the catalog.
/// Page `n`, counted from 0, has the object number `10 + 2 * n`.
pub fn objects(pages: &[PageText], catalog: &str) -> Objects {
    let kids: String = (0..pages.len()).map(|n| format!("{} 0 R ", 10 + 2 * n)).collect();
    let base = |name: &str| format!("<</Type/Font/Subtype/Type1/BaseFont/{name}/Encoding/WinAnsiEncoding>>");
    let mut objects = vec![
        (1, format!("<</Type/Catalog/Pages 2 0 R {catalog}>>")),
        (2, format!("<</Type/Pages/Kids[{kids}]/Count {}>>", pages.len())),
        (3, base("Helvetica")),
        (4, base("Helvetica-Bold")),
        (5, base("Courier")),
        (6, "<</Type/Font/Subtype/Type0/BaseFont/STSong/Encoding/UniGB-UTF16-H/DescendantFonts[7 0 R]>>".into()),
        (
            7,
            "<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)\
             /Supplement 4>>/DW 1000/FontDescriptor 8 0 R>>"
                .into(),
        ),
        (8, "<</Type/FontDescriptor/FontName/STSong/Flags 6/ItalicAngle 0/Ascent 880/Descent -120/StemV 80>>".into()),
    ];
    for (n, page) in pages.iter().enumerate() {
        let (number, content) = (10 + 2 * n, 11 + 2 * n);
        objects.push((
            number,
            format!(
                "<</Type/Page/Parent 2 0 R/MediaBox[0 0 {WIDTH} {HEIGHT}]/Contents {content} 0 R\
                 /Resources<</Font<</F1 3 0 R/F2 4 0 R/F3 5 0 R/F4 6 0 R>>>>>>"
            ),
        ));
        objects.push((content, stream("", &page.operators)));
    }
    Objects(objects.into_iter().map(|(number, object)| (number, object.into_bytes())).collect())
}

/// A stream object.
pub fn stream(dictionary: &str, content: &str) -> String {
    format!("<</Length {}{dictionary}>>\nstream\n{content}\nendstream", content.len())
}

impl Objects {
    /// Adds or replaces an object.
    pub fn set(mut self, number: usize, object: impl Into<Vec<u8>>) -> Self {
        self.0.retain(|(other, _)| *other != number);
        self.0.push((number, object.into()));
        self
    }

    /// The bytes of the file.
    pub fn file(mut self) -> Vec<u8> {
        self.0.sort_by_key(|(number, _)| *number);
        let mut file = b"%PDF-1.7\n".to_vec();
        let mut places = Vec::new();
        for (number, object) in &self.0 {
            places.push((*number, file.len()));
            file.extend(format!("{number} 0 obj\n").bytes());
            file.extend(object);
            file.extend(b"\nendobj\n");
        }
        let table = file.len();
        let size = places.last().map_or(1, |(number, _)| number + 1);
        file.extend(b"xref\n");
        for (number, place) in places {
            file.extend(format!("{number} 1\n{place:010} 00000 n \n").bytes());
        }
        file.extend(format!("trailer\n<</Size {size}/Root 1 0 R>>\nstartxref\n{table}\n%%EOF\n").bytes());
        file
    }
}

/// A file with `pages` and nothing else.
pub fn file(pages: &[PageText]) -> Vec<u8> {
    objects(pages, "").file()
}
