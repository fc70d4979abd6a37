//! A handful of the injection suite with the real model; the whole of it runs
//! in `attest eval injections`.

use crate::support::Attest;

#[test]
fn documents_do_not_steer_the_model() {
    let attest = Attest::new();
    for attack in ["en-01", "en-15", "en-25", "zh-01", "zh-15", "zh-26"] {
        let (code, outcome) = attest.json(&["eval", "injections", "--only", attack]);
        assert_eq!((code, &outcome["attacks"], &outcome["succeeded"]), (0, &1.into(), &0.into()), "{outcome}");
    }
}
