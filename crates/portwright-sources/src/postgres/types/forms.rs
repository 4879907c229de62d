//! The text forms of types that JSON has no form for, as PostgreSQL writes them.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::cursor::{Cursor, Malformed, text};

type Form = Result<String, Malformed>;

/// Every digit of a numeric, also those after the point that are zero.
pub(super) fn numeric(mut bytes: Cursor<'_>) -> Form {
    let (count, weight, sign, scale) = (bytes.u16()?, bytes.i16()?, bytes.u16()?, bytes.u16()?);
    match sign {
        0xC000 => return Ok("NaN".to_owned()),
        0xD000 => return Ok("Infinity".to_owned()),
        0xF000 => return Ok("-Infinity".to_owned()),
        0 | 0x4000 => {}
        _ => return Err(Malformed),
    }
    let groups = (0..count).map(|_| bytes.u16()).collect::<Result<Vec<_>, _>>()?;
    let group = |power: i32| {
        usize::try_from(i32::from(weight) - power).ok().and_then(|at| groups.get(at)).copied().unwrap_or(0)
    };
    let mut number = if sign == 0x4000 { "-".to_owned() } else { String::new() };
    let _ = write!(number, "{}", group(i32::from(weight).max(0)));
    for power in (0..i32::from(weight).max(0)).rev() {
        let _ = write!(number, "{:04}", group(power));
    }
    if scale > 0 {
        let mut fraction = String::new();
        for place in 1..=i32::from(scale.div_ceil(4)) {
            let _ = write!(fraction, "{:04}", group(-place));
        }
        number.push('.');
        number.push_str(fraction.get(..usize::from(scale)).ok_or(Malformed)?);
    }
    Ok(number)
}

pub(super) fn uuid(mut bytes: Cursor<'_>) -> Form {
    let mut id = String::with_capacity(36);
    for (index, byte) in bytes.take(16)?.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            id.push('-');
        }
        let _ = write!(id, "{byte:02x}");
    }
    Ok(id)
}

/// inet and cidr.
pub(super) fn network(mut bytes: Cursor<'_>) -> Form {
    let (family, bits, is_cidr, length) = (bytes.u8()?, bytes.u8()?, bytes.u8()?, bytes.u8()?);
    let address = bytes.take(usize::from(length))?;
    let (address, full) = match family {
        2 => (Ipv4Addr::from(<[u8; 4]>::try_from(address).map_err(|_| Malformed)?).to_string(), 32),
        3 => (Ipv6Addr::from(<[u8; 16]>::try_from(address).map_err(|_| Malformed)?).to_string(), 128),
        _ => return Err(Malformed),
    };
    Ok(if bits == full && is_cidr == 0 { address } else { format!("{address}/{bits}") })
}

pub(super) fn mac(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

pub(super) fn bits(mut bytes: Cursor<'_>) -> Form {
    let count = usize::try_from(bytes.i32()?).map_err(|_| Malformed)?;
    let packed = bytes.take(count.div_ceil(8))?;
    Ok((0..count).map(|at| if packed[at / 8] >> (7 - at % 8) & 1 == 1 { '1' } else { '0' }).collect())
}

fn point(bytes: &mut Cursor<'_>) -> Form {
    Ok(format!("({},{})", double(bytes.f64()?), double(bytes.f64()?)))
}

fn double(value: f64) -> String {
    match value {
        _ if value.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "Infinity".to_owned(),
        f64::NEG_INFINITY => "-Infinity".to_owned(),
        _ if value != 0.0 && !(1e-5..1e15).contains(&value.abs()) => format!("{value:e}"),
        _ => value.to_string(),
    }
}

fn points(bytes: &mut Cursor<'_>, count: usize) -> Form {
    Ok((0..count).map(|_| point(bytes)).collect::<Result<Vec<_>, _>>()?.join(","))
}

/// The geometric types by name; none for another type.
pub(super) fn geometry(type_name: &str, mut bytes: Cursor<'_>) -> Option<Form> {
    let bytes = &mut bytes;
    Some(match type_name {
        "point" => point(bytes),
        "lseg" => points(bytes, 2).map(|ends| format!("[{ends}]")),
        "box" => points(bytes, 2),
        "line" => (0..3)
            .map(|_| bytes.f64().map(double))
            .collect::<Result<Vec<_>, _>>()
            .map(|numbers| format!("{{{}}}", numbers.join(","))),
        "circle" => point(bytes).and_then(|center| Ok(format!("<{center},{}>", double(bytes.f64()?)))),
        "polygon" => bytes.count().and_then(|count| points(bytes, count)).map(|corners| format!("({corners})")),
        "path" => path(bytes),
        _ => return None,
    })
}

fn path(bytes: &mut Cursor<'_>) -> Form {
    let closed = bytes.u8()? != 0;
    let count = bytes.count()?;
    let steps = points(bytes, count)?;
    Ok(if closed { format!("({steps})") } else { format!("[{steps}]") })
}

/// `'word':1A,2 'other':3`
pub(super) fn lexemes(mut bytes: Cursor<'_>) -> Form {
    let count = bytes.count()?;
    let mut vector = Vec::new();
    for _ in 0..count {
        let mut lexeme = format!("'{}'", bytes.c_text()?.replace('\\', "\\\\").replace('\'', "''"));
        for place in 0..bytes.u16()? {
            let position = bytes.u16()?;
            lexeme.push(if place == 0 { ':' } else { ',' });
            let _ = write!(lexeme, "{}{}", position & 0x3FFF, ["", "C", "B", "A"][usize::from(position >> 14)]);
        }
        vector.push(lexeme);
    }
    Ok(vector.join(" "))
}

pub(super) fn wal_position(mut bytes: Cursor<'_>) -> Form {
    Ok(format!("{:X}/{:X}", bytes.u32()?, bytes.u32()?))
}

pub(super) fn tuple_id(mut bytes: Cursor<'_>) -> Form {
    Ok(format!("({},{})", bytes.u32()?, bytes.u16()?))
}

/// A type whose binary form is a version and its text.
pub(super) fn versioned(mut bytes: Cursor<'_>) -> Form {
    match bytes.u8()? {
        1 => text(bytes.0).map(str::to_owned),
        _ => Err(Malformed),
    }
}

/// The one byte of a `"char"`.
pub(super) fn single_byte(mut bytes: Cursor<'_>) -> Form {
    Ok(match bytes.u8()? {
        0 => String::new(),
        byte if byte.is_ascii() => char::from(byte).to_string(),
        byte => format!("\\{byte:03o}"),
    })
}

/// A bound of a range within its text form.
pub(super) fn quote_bound(bound: &str) -> String {
    let plain = !bound.is_empty() && !bound.contains(|each: char| r#"()[],"\"#.contains(each) || each.is_whitespace());
    if plain { bound.to_owned() } else { format!("\"{}\"", bound.replace('\\', r"\\").replace('"', "\"\"")) }
}
