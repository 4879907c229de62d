//! What a column is, and whether a model should see it.

use super::super::schema::{Column, Table};

/// What kind of values a column has, as far as tools are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Integer,
    Text,
    Uuid,
    Time,
    Bytes,
    Other,
}

impl Column {
    pub(super) fn class(&self) -> Class {
        let name = self.type_name.to_lowercase();
        let begins = |words: &[&str]| words.iter().any(|word| name.starts_with(word));
        if begins(&["int", "bigint", "smallint", "tinyint", "mediumint", "serial", "bigserial"])
            && !begins(&["interval"])
        {
            Class::Integer
        } else if begins(&["timestamp", "date", "time"]) || (begins(&["text", "varchar"]) && self.is_named_as_time()) {
            Class::Time
        } else if name.contains("char") || name.contains("text") || name.contains("clob") || !self.values.is_empty() {
            Class::Text
        } else if name == "uuid" {
            Class::Uuid
        } else if name.contains("bytea") || name.contains("blob") || name.contains("binary") {
            Class::Bytes
        } else {
            Class::Other
        }
    }

    fn is_named_as_time(&self) -> bool {
        let name = self.name.to_lowercase();
        ["_at", "_on", "_date", "_time", "timestamp"].iter().any(|end| name.ends_with(end)) || name == "date"
    }

    /// Whether it looks like something that no model should read.
    pub(super) fn looks_secret(&self) -> bool {
        const PARTS: [&str; 22] = [
            "password",
            "passwd",
            "passphrase",
            "pwd",
            "secret",
            "token",
            "apikey",
            "privatekey",
            "credential",
            "hash",
            "salt",
            "ssn",
            "socialsecurity",
            "creditcard",
            "cardnumber",
            "cvv",
            "cvc",
            "iban",
            "otp",
            "totp",
            "pin",
            "recoverycode",
        ];
        // Short words count as whole parts of a name only: `shipping` is no `pin`.
        const WHOLE_MAX: usize = 4;
        let name = self.name.to_lowercase();
        let parts: Vec<&str> = name.split(|letter: char| !letter.is_alphanumeric()).collect();
        let joined: String = parts.concat();
        PARTS.iter().any(|part| if part.len() <= WHOLE_MAX { parts.contains(part) } else { joined.contains(part) })
    }

    /// Whether its texts are so long that lists are better without.
    pub(super) fn is_long(&self) -> bool {
        const LONG: [&str; 10] =
            ["body", "content", "html", "markdown", "raw", "payload", "data", "document", "embedding", "metadata"];
        let name = self.name.to_lowercase();
        LONG.contains(&name.as_str()) || self.type_name.to_lowercase().starts_with("json") || name.ends_with("_html")
    }

    /// How well it tells a person which row is meant; 0 for one that doesn't.
    fn telling(&self) -> usize {
        const NAMES: [&str; 17] = [
            "name",
            "title",
            "full_name",
            "display_name",
            "email",
            "first_name",
            "last_name",
            "username",
            "login",
            "company",
            "subject",
            "code",
            "sku",
            "slug",
            "number",
            "reference",
            "description",
        ];
        let name = self.name.to_lowercase();
        let whole = NAMES.iter().position(|known| *known == name).map(|at| 2 * (NAMES.len() - at));
        let part = NAMES.iter().position(|known| name.ends_with(&format!("_{known}"))).map(|at| NAMES.len() - at);
        whole.or(part).unwrap_or(0)
    }
}

impl Table {
    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The columns that a tool may return.
    pub(super) fn shown(&self) -> Vec<&Column> {
        self.columns.iter().filter(|column| !column.looks_secret() && column.class() != Class::Bytes).collect()
    }

    /// Those of them that lists have: the keys, what tells rows apart, and no long texts.
    pub(super) fn listed(&self) -> Vec<&Column> {
        const COLUMNS_MAX: usize = 10;
        self.shown().into_iter().filter(|column| !column.is_long()).take(COLUMNS_MAX).collect()
    }

    /// What a person would search by, the most telling first.
    pub(super) fn searched(&self) -> Vec<&Column> {
        const COLUMNS_MAX: usize = 4;
        let fits = |column: &&Column| column.class() == Class::Text && column.values.is_empty() && column.telling() > 0;
        let mut found: Vec<&Column> = self.shown().into_iter().filter(fits).collect();
        found.sort_by_key(|column| usize::MAX - column.telling());
        found.truncate(COLUMNS_MAX);
        found
    }

    /// When a row came to be, the best guess.
    pub(super) fn time(&self) -> Option<&Column> {
        let times = || self.columns.iter().filter(|column| column.class() == Class::Time);
        let named = |part: &str| times().find(|column| column.name.to_lowercase().contains(part));
        named("ordered").or_else(|| named("created")).or_else(|| named("placed")).or_else(|| times().next())
    }

    /// Its key, where a model can give one.
    pub(super) fn key(&self) -> Option<Vec<&Column>> {
        const COLUMNS_MAX: usize = 2;
        let columns: Vec<&Column> = self.primary_key.iter().filter_map(|name| self.column(name)).collect();
        let fits = |column: &&Column| matches!(column.class(), Class::Integer | Class::Text | Class::Uuid);
        let usable = !columns.is_empty() && columns.len() == self.primary_key.len() && columns.len() <= COLUMNS_MAX;
        (usable && columns.iter().all(fits)).then_some(columns)
    }

    /// Whether it only joins others.
    pub(super) fn is_join(&self) -> bool {
        let of_keys = |column: &Column| {
            self.primary_key.contains(&column.name)
                || self.foreign_keys.iter().any(|key| key.columns.contains(&column.name))
        };
        self.foreign_keys.len() > 1 && self.columns.iter().filter(|column| !of_keys(column)).count() <= 1
    }
}
