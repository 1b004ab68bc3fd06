//! The judge of the pages for browsers: it knows the tags that the program writes, and takes no other.

/// Asserts that every tag of a page is one that this program writes, opened and closed in order.
pub fn assert_well_formed(html: &str) {
    const VOID: [&str; 2] = ["meta", "br"];
    const KNOWN: &str = "html head meta title style body header h1 h2 nav a main dl div dt dd small section ul li details \
                         summary b br span table caption thead tbody tr th td svg path p ol figure figcaption code footer";
    let mut open = Vec::new();
    let markup = html.replace(html.split("<style>").nth(1).unwrap().split("</style>").next().unwrap(), "");
    for tag in markup.split('<').skip(2).map(|rest| rest.split_once('>').expect("a closed tag").0) {
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
        assert!(KNOWN.split_whitespace().any(|known| known == name), "<{tag}> is none of ours");
        let attributes = tag.split('"').step_by(2).collect::<String>();
        assert!(!attributes.contains(" on") && !attributes.contains("style="), "<{tag}>");
        assert_eq!(tag.matches('"').count() % 2, 0, "<{tag}>");
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "</{name}> closes another");
        } else if !VOID.contains(&name) && !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?} stay open");
}
