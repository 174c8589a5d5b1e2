//! What the commands of scenarios do, for those who write them.

use simulator::commands::{explain, names};

#[test]
fn commands_are_explained_as_in_the_document() {
    let [(forms, meaning)] = <[_; 1]>::try_from(explain("hold-saves")).unwrap();
    assert_eq!(forms, "hold-saves n1, save n1");
    assert!(meaning.starts_with("n1's disk is so slow"), "{meaning}");
    let deliver = explain("deliver");
    assert!(deliver[0].1.contains("only these (below)"), "{:?}", deliver[0]);
    assert!(deliver.iter().any(|(forms, _)| forms == "term=2"), "{deliver:?}");
    assert!(explain("lose").iter().any(|(forms, _)| forms == "count=1"));
    assert!(explain("cluster").iter().any(|(forms, _)| forms == "without=RULE"));
    assert!(explain("sing").is_empty());
}

#[test]
fn commands_of_each_section_are_listed() {
    let names: Vec<&str> = names().into_iter().flat_map(|(_, names)| names).collect();
    for command in
        ["log", "cluster", "run", "put", "retry", "settle", "crash", "restart", "save", "expect", "logs"]
    {
        assert!(names.contains(&command), "{command}");
    }
}
