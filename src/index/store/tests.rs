use super::*;
use crate::index::change::Change;
use crate::index::folder::fixture::put;

#[test]
fn a_batch_is_all_or_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("s"), "r").unwrap();
    let Change::Put(mut broken) = put("c", "b", "two\n\nparts") else { unreachable!() };
    broken.chunks[1].ordinal = 0;
    store.apply(&[put("c", "a", "one"), Change::Put(broken)]).unwrap_err();
    assert_eq!(store.counts().unwrap(), (0, 0, 0));
}

#[test]
fn a_later_order_takes_the_place_of_an_earlier_one() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("s"), "r").unwrap();
    store.apply(&[put("c", "a", "one")]).unwrap();
    let order = store.additions(Target::Lexical, 9).unwrap().remove(0);
    let id = store.documents(None).unwrap().remove(0).id;
    store.apply(&[Change::Remove { document_id: id }]).unwrap();
    store.done([order.seq]).unwrap();
    assert_eq!(store.additions(Target::Lexical, 9).unwrap().len(), 0);
    assert_eq!(store.removals(Target::Lexical, 9).unwrap().len(), 1);
}

#[test]
fn a_store_of_a_later_version_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    drop(Store::open(&path, "r").unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let Err(error) = Store::open(&path, "r") else { panic!("opened") };
    assert!(error.to_string().contains("later version"), "{error}");
}

#[test]
fn what_is_no_store_is_an_error_with_its_path() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    std::fs::write(&path, "this is no database, only text that is long enough to be read as one").unwrap();
    let Err(error) = Store::open(&path, "r") else { panic!("opened") };
    assert!(error.to_string().contains(&*path.to_string_lossy()), "{error}");
    assert!(error.to_string().contains("add the documents again"), "{error}");
}
