//! Dates, times and intervals as ISO 8601 writes them. PostgreSQL's years run from 4713 BC to 294276, far beyond RFC 3339.

use std::fmt::Write as _;

use super::cursor::{Cursor, Malformed};

const DAY_MICROS: i64 = 24 * 60 * 60 * 1_000_000;
/// Days from 1970-01-01 to 2000-01-01, PostgreSQL's zero.
const EPOCH_DAYS: i64 = 10_957;

pub(super) fn date(mut bytes: Cursor<'_>) -> Result<String, Malformed> {
    Ok(match bytes.i32()? {
        i32::MAX => "infinity".to_owned(),
        i32::MIN => "-infinity".to_owned(),
        days => civil(i64::from(days)),
    })
}

/// `suffix` is `Z` for a timestamp with time zone, which PostgreSQL keeps in UTC.
pub(super) fn timestamp(mut bytes: Cursor<'_>, suffix: &str) -> Result<String, Malformed> {
    Ok(match bytes.i64()? {
        i64::MAX => "infinity".to_owned(),
        i64::MIN => "-infinity".to_owned(),
        micros => {
            let days = civil(micros.div_euclid(DAY_MICROS));
            format!("{days}T{}{suffix}", clock(micros.rem_euclid(DAY_MICROS)))
        }
    })
}

pub(super) fn time(mut bytes: Cursor<'_>) -> Result<String, Malformed> {
    bytes.i64().map(clock)
}

pub(super) fn time_with_zone(mut bytes: Cursor<'_>) -> Result<String, Malformed> {
    let time = clock(bytes.i64()?);
    // Seconds west of Greenwich.
    let zone = -i64::from(bytes.i32()?);
    let sign = if zone < 0 { '-' } else { '+' };
    let (hours, minutes, seconds) = (zone.abs() / 3600, zone.abs() / 60 % 60, zone.abs() % 60);
    let mut text = format!("{time}{sign}{hours:02}:{minutes:02}");
    if seconds != 0 {
        let _ = write!(text, ":{seconds:02}");
    }
    Ok(text)
}

/// `P1Y2M3DT4H5M6.5S`; each part has its own sign, as in PostgreSQL's own ISO 8601 style.
pub(super) fn interval(mut bytes: Cursor<'_>) -> Result<String, Malformed> {
    let (micros, days, months) = (bytes.i64()?, bytes.i32()?, bytes.i32()?);
    match (micros, days, months) {
        (i64::MAX, i32::MAX, i32::MAX) => return Ok("infinity".to_owned()),
        (i64::MIN, i32::MIN, i32::MIN) => return Ok("-infinity".to_owned()),
        _ => {}
    }
    let mut text = "P".to_owned();
    let mut part = |amount: i64, unit: char| {
        if amount != 0 {
            let _ = write!(text, "{amount}{unit}");
        }
    };
    part(i64::from(months / 12), 'Y');
    part(i64::from(months % 12), 'M');
    part(i64::from(days), 'D');
    if micros != 0 || text.len() == 1 {
        text.push('T');
        let (hours, minutes, rest) = (micros / 3_600_000_000, micros / 60_000_000 % 60, micros % 60_000_000);
        let mut part = |amount: i64, unit: char| {
            if amount != 0 {
                let _ = write!(text, "{amount}{unit}");
            }
        };
        part(hours, 'H');
        part(minutes, 'M');
        if rest != 0 || micros == 0 {
            let sign = if rest < 0 { "-" } else { "" };
            let _ = write!(text, "{sign}{}{}S", rest.abs() / 1_000_000, fraction(rest.abs() % 1_000_000));
        }
    }
    Ok(text)
}

/// `days` from 2000-01-01 in the proleptic Gregorian calendar: count years from March, so that the leap day is the last
/// day of a year, and eras of 400 years, which all have the same length.
fn civil(days: i64) -> String {
    let from_era_zero = days + EPOCH_DAYS + 719_468;
    let era = from_era_zero.div_euclid(146_097);
    let day_of_era = from_era_zero.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    match year {
        0..=9999 => format!("{year:04}-{month:02}-{day:02}"),
        _ => format!("{year:+07}-{month:02}-{day:02}"),
    }
}

fn clock(micros: i64) -> String {
    let seconds = micros / 1_000_000;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{hour:02}:{minute:02}:{second:02}{}", fraction(micros % 1_000_000))
}

/// `.5`, or nothing.
fn fraction(micros: i64) -> String {
    match micros {
        0 => String::new(),
        _ => format!(".{micros:06}").trim_end_matches('0').to_owned(),
    }
}
