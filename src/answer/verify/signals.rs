//! The signals of support, and how they make one probability.

use serde::{Deserialize, Serialize};

use crate::answer::calibration::CALIBRATION;

/// How a sentence of an answer stands to the sources that fit it best. All from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Signals {
    /// Share of the weight of its words that one source carries.
    pub single: f32,
    /// The same for all its sources; words from further ones count half.
    pub together: f32,
    /// Weight of its heaviest word that no source carries, as a share of the heaviest.
    pub uncarried: f32,
    /// 1 when neither the sources nor the question have one of its numbers.
    pub numbers_missing: f32,
    /// Share of its proper names that neither the sources nor the question have.
    pub names_missing: f32,
    /// Share of its neighbouring words that are neighbours in a source, in the same order.
    pub order: f32,
    /// 1 when the first source gives another amount of the same unit.
    pub amount: f32,
    /// 1 when the first source says the opposite.
    pub polarity: f32,
    /// 1 when the first source quantifies otherwise.
    pub quantifier: f32,
    /// 1 when the model itself named the first source.
    pub marked: f32,
}

impl Signals {
    /// The signals by name.
    #[must_use]
    pub const fn named(&self) -> [(&'static str, f32); 10] {
        [
            ("single", self.single),
            ("together", self.together),
            ("uncarried", self.uncarried),
            ("numbers_missing", self.numbers_missing),
            ("names_missing", self.names_missing),
            ("order", self.order),
            ("amount", self.amount),
            ("polarity", self.polarity),
            ("quantifier", self.quantifier),
            ("marked", self.marked),
        ]
    }

    /// The probability that the sources say it.
    #[must_use]
    pub fn support(&self) -> f32 {
        CALIBRATION.support.probability(&self.named())
    }
}
