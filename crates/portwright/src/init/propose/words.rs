//! Names of tables and columns as words.

/// `order_items` → `order item`.
pub(super) fn singular(table: &str) -> String {
    let words = spaced(table);
    let (before, last) = words.rsplit_once(' ').map_or(("", words.as_str()), |(before, last)| (before, last));
    let one = match last {
        "people" => "person".to_owned(),
        "children" => "child".to_owned(),
        "news" | "series" | "status" | "data" | "media" => last.to_owned(),
        _ => one(last),
    };
    if before.is_empty() { one } else { format!("{before} {one}") }
}

fn one(word: &str) -> String {
    if let Some(stem) = word.strip_suffix("ies").filter(|stem| stem.len() > 1) {
        return format!("{stem}y");
    }
    for end in ["sses", "shes", "ches", "xes", "zes"] {
        if word.ends_with(end) {
            return word[..word.len() - 2].to_owned();
        }
    }
    match word.strip_suffix('s') {
        Some(stem) if !stem.ends_with(['s', 'u', 'i']) && stem.len() > 1 => stem.to_owned(),
        _ => word.to_owned(),
    }
}

/// `order_items` → `order items`; `OrderItems` too.
pub(super) fn spaced(name: &str) -> String {
    let mut out = String::new();
    let mut small = false;
    for letter in name.chars() {
        if letter.is_uppercase() && small {
            out.push(' ');
        }
        small = letter.is_lowercase();
        if letter.is_alphanumeric() {
            out.extend(letter.to_lowercase());
        } else if !out.ends_with(' ') && !out.is_empty() {
            out.push(' ');
        }
    }
    out.trim_end().to_owned()
}

/// With a capital letter.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// `a, b and c`
pub(super) fn listing<S: AsRef<str>>(words: &[S], and: &str) -> String {
    match words {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [most @ .., last] => {
            let most: Vec<&str> = most.iter().map(AsRef::as_ref).collect();
            format!("{} {and} {}", most.join(", "), last.as_ref())
        }
    }
}

/// `a customer`, `an order`
pub(super) fn article(noun: &str) -> String {
    let an = noun.starts_with(['a', 'e', 'i', 'o', 'u']) && !noun.starts_with("user") && !noun.starts_with("uni");
    format!("{} {noun}", if an { "an" } else { "a" })
}

#[cfg(test)]
mod tests {
    use super::{article, listing, singular, spaced};

    #[test]
    fn tables_have_names_that_people_say() {
        for (table, one) in [
            ("customers", "customer"),
            ("order_items", "order item"),
            ("OrderItems", "order item"),
            ("categories", "category"),
            ("addresses", "address"),
            ("boxes", "box"),
            ("people", "person"),
            ("status", "status"),
            ("class", "class"),
            ("t", "t"),
            ("s", "s"),
        ] {
            assert_eq!(singular(table), one);
        }
        assert_eq!(spaced("HTTPLog__x_"), "httplog x");
        assert_eq!(listing(&["a", "b", "c"], "or"), "a, b or c");
        assert_eq!((article("order"), article("user")), ("an order".to_owned(), "a user".to_owned()));
    }
}
