//! `attest status`: what tools and people learn about the index.

use crate::support::HANDBOOK;

#[test]
fn documents_are_listed_once_and_counted_beside() {
    let (code, status) = HANDBOOK.json(&["status"]);
    assert_eq!(code, 0);
    let documents = status["documents"].as_array().unwrap();
    assert_eq!(status["collections"][0]["documents"], documents.len());
    assert_eq!(status["collections"][0]["chunks"], status["chunks"]);
    for field in ["failures", "failed", "pending", "models", "disk_bytes", "data_dir"] {
        assert!(!status[field].is_null(), "{field} is missing in {status}");
    }
}
