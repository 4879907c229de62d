//! What is known of characters: which of them hide, which scripts need them, which letters look like Latin ones.

use std::str::Chars;

/// Characters that have no shape of their own, or steer how others are shown. Whether one stays depends on where it
/// stands.
pub(super) fn is_hidden(letter: char) -> bool {
    letter > '\u{a0}'
        && matches!(letter,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Letters written from right to left.
pub(super) fn is_rtl(letter: char) -> bool {
    matches!(letter,
        '\u{590}'..='\u{60b}' | '\u{60d}'..='\u{61b}' | '\u{61d}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}'
        | '\u{fe70}'..='\u{fefc}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

/// Letters and signs after which a joiner or non-joiner has a meaning: Arabic and its like, Mongolian, Indic scripts.
pub(super) fn is_joining(letter: char) -> bool {
    matches!(letter,
        '\u{600}'..='\u{60b}' | '\u{610}'..='\u{61a}' | '\u{620}'..='\u{8ff}' | '\u{900}'..='\u{dff}' | '\u{f00}'..='\u{109f}'
        | '\u{1780}'..='\u{17b3}' | '\u{17b6}'..='\u{180a}' | '\u{1810}'..='\u{18af}' | '\u{1a20}'..='\u{1cff}'
        | '\u{a800}'..='\u{a82f}' | '\u{a840}'..='\u{a8ff}' | '\u{a930}'..='\u{aaff}' | '\u{abc0}'..='\u{abff}'
        | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{10a00}'..='\u{10a5f}' | '\u{11000}'..='\u{11fff}'
        | '\u{1e900}'..='\u{1e95f}')
        && letter.is_alphanumeric()
        || is_virama(letter)
}

/// Signs that join consonants, which Unicode does not count among the letters.
fn is_virama(letter: char) -> bool {
    matches!(
        letter,
        '\u{94d}'
            | '\u{9cd}'
            | '\u{a4d}'
            | '\u{acd}'
            | '\u{b4d}'
            | '\u{bcd}'
            | '\u{c4d}'
            | '\u{ccd}'
            | '\u{d3b}'
            | '\u{d3c}'
            | '\u{d4d}'
            | '\u{dca}'
            | '\u{1039}'
            | '\u{103a}'
            | '\u{17d2}'
            | '\u{93c}'
            | '\u{9bc}'
            | '\u{a3c}'
            | '\u{abc}'
            | '\u{b3c}'
            | '\u{cbc}'
            | '\u{64b}'
            ..='\u{65f}' | '\u{11046}' | '\u{110b9}' | '\u{11133}' | '\u{111c0}' | '\u{1a60}' | '\u{a953}' | '\u{1b44}'
    )
}

/// Scripts written without spaces between words.
pub(super) fn is_spaceless(letter: char) -> bool {
    matches!(letter, '\u{e00}'..='\u{eff}' | '\u{f00}'..='\u{109f}' | '\u{1780}'..='\u{17b3}' | '\u{17b6}'..='\u{17ff}'
        | '\u{1950}'..='\u{19df}' | '\u{1a20}'..='\u{1aaf}' | '\u{1b00}'..='\u{1b7f}' | '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{9fff}' | '\u{a980}'..='\u{a9df}' | '\u{aa60}'..='\u{aadf}')
}

/// A letter, for the soft hyphen.
pub(super) fn is_letter(letter: char) -> bool {
    letter.is_alphabetic()
}

/// What emoji are made of.
pub(super) fn is_pictograph(letter: char) -> bool {
    matches!(letter,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2190}'..='\u{21ff}'
        | '\u{2300}'..='\u{23ff}' | '\u{24c2}' | '\u{25a0}'..='\u{27bf}' | '\u{2900}'..='\u{297f}'
        | '\u{2b00}'..='\u{2bff}' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}')
}

/// Whether a variation selector has a meaning after this character. One that follows another one never has.
pub(super) fn base_takes_selector(base: char, selector: char) -> bool {
    let ideograph = matches!(base, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' | '\u{2e80}'..='\u{2fdf}');
    match selector {
        '\u{fe0e}' | '\u{fe0f}' => is_pictograph(base) || matches!(base, '0'..='9' | '#' | '*'),
        '\u{fe00}'..='\u{fe02}' => {
            ideograph
                || matches!(base, '\u{1000}'..='\u{109f}' | '\u{2200}'..='\u{22ff}' | '\u{2a00}'..='\u{2aff}'
                | '\u{3000}'..='\u{303f}' | '\u{a840}'..='\u{a87f}' | '\u{ff00}'..='\u{ff65}' | '\u{2018}'..='\u{201f}')
        }
        // The last but one separates the vowel at the end of a Mongolian word.
        '\u{180b}'..='\u{180f}' => matches!(base, '\u{1820}'..='\u{18af}'),
        '\u{e0100}'..='\u{e01ef}' => ideograph,
        _ => false,
    }
}

/// How many tags follow `first` up to the end of a flag's name, if it is the flag of a country that is written so.
pub(super) fn is_flag(first: char, rest: &Chars<'_>) -> Option<usize> {
    const FLAGS: [&str; 3] = ["gbeng", "gbsct", "gbwls"];
    let name: String = std::iter::once(first)
        .chain(rest.clone())
        .take(6)
        .filter_map(|tag| char::from_u32(u32::from(tag).wrapping_sub(0xe0000)))
        .collect();
    FLAGS.iter().any(|flag| name.strip_suffix('\u{7f}') == Some(*flag)).then_some(5)
}

/// The Latin letter that a Cyrillic or Greek one can't be told from.
pub(super) fn latin_of(letter: char) -> Option<char> {
    if !('\u{370}'..='\u{56f}').contains(&letter) {
        return None;
    }
    Some(match letter {
        'а' => 'a',
        'с' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'ҽ' => 'e',
        'һ' => 'h',
        'і' => 'i',
        'ј' | 'ϳ' => 'j',
        'ӏ' => 'l',
        'о' | 'ο' => 'o',
        'р' => 'p',
        'ԛ' => 'q',
        'ѕ' => 's',
        'ѵ' => 'v',
        'ԝ' => 'w',
        'х' => 'x',
        'у' => 'y',
        'А' | 'Α' => 'A',
        'В' | 'Β' => 'B',
        'С' | 'Ϲ' => 'C',
        'Е' | 'Ε' => 'E',
        'Н' | 'Η' => 'H',
        'І' | 'Ι' | 'Ӏ' => 'I',
        'Ј' => 'J',
        'К' | 'Κ' => 'K',
        'М' | 'Μ' => 'M',
        'Ν' => 'N',
        'О' | 'Ο' => 'O',
        'Р' | 'Ρ' => 'P',
        'Ѕ' => 'S',
        'Т' | 'Τ' => 'T',
        'Х' | 'Χ' => 'X',
        'У' | 'Υ' => 'Y',
        'Ζ' => 'Z',
        _ => return None,
    })
}
