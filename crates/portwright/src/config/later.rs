//! Keys and kinds that the documentation promises for later versions: whoever writes one gets told so, instead of a
//! riddle.

/// Pointers into the document; `*` stands for any one key.
const KEYS: &[&str] = &[];

const KINDS: &[&str] = &["git", "http", "openapi", "mail", "command", "upstream"];

/// Whether a key of that place comes in a later version.
pub(crate) fn key(place: &str) -> bool {
    KEYS.iter().any(|key| {
        let (mut expected, mut written) = (key.split('/'), place.split('/'));
        loop {
            match (expected.next(), written.next()) {
                (None, None) => return true,
                (Some(one), Some(other)) if one == "*" || one == other => {}
                _ => return false,
            }
        }
    })
}

/// Whether a kind of source comes in a later version.
pub(crate) fn kind(name: &str) -> bool {
    KINDS.contains(&name)
}

#[cfg(test)]
mod tests {
    #[test]
    fn places_are_told_apart() {
        assert!(!super::key("/tools/limits") && !super::key("/auth/keys") && !super::key("/server"));
    }
}
