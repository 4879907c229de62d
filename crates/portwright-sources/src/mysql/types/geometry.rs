//! The servers' own form of a geometry as well-known text: four bytes of its reference system, then well-known binary
//! (OGC 06-103r4, 8.2).

use std::fmt::Write as _;

/// Collections within collections.
const DEPTH_MAX: usize = 32;

pub(super) fn text(bytes: &[u8]) -> Option<String> {
    let (system, rest) = bytes.split_first_chunk::<4>()?;
    let system = u32::from_le_bytes(*system);
    let mut out = if system == 0 { String::new() } else { format!("SRID={system};") };
    let mut reader = Reader(rest);
    reader.geometry(&mut out, DEPTH_MAX)?;
    reader.0.is_empty().then_some(out)
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn number(&mut self, little: bool) -> Option<u32> {
        let bytes = self.take()?;
        Some(if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }

    fn point(&mut self, out: &mut String, little: bool) -> Option<()> {
        let mut float = || {
            let bytes = self.take()?;
            Some(if little { f64::from_le_bytes(bytes) } else { f64::from_be_bytes(bytes) })
        };
        let (x, y) = (float()?, float()?);
        write!(out, "{x} {y}").ok()
    }

    /// As many of something as a number says, in parentheses.
    fn list(
        &mut self,
        out: &mut String,
        little: bool,
        mut one: impl FnMut(&mut Self, &mut String) -> Option<()>,
    ) -> Option<()> {
        let count = self.number(little)?;
        out.push('(');
        for index in 0..count {
            if index > 0 {
                out.push(',');
            }
            one(self, out)?;
        }
        out.push(')');
        Some(())
    }

    fn geometry(&mut self, out: &mut String, depth: usize) -> Option<()> {
        let little = self.take::<1>()?[0] == 1;
        let kind = self.number(little)?;
        self.named(kind, out, little, true, depth.checked_sub(1)?)
    }

    /// A geometry, with its name where it is no part of one that has said so.
    fn named(&mut self, kind: u32, out: &mut String, little: bool, name: bool, depth: usize) -> Option<()> {
        const NAMES: [&str; 7] =
            ["POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON", "GEOMETRYCOLLECTION"];
        if name {
            out.push_str(NAMES.get(usize::try_from(kind).ok()?.checked_sub(1)?)?);
        }
        match kind {
            1 => {
                out.push('(');
                self.point(out, little)?;
                out.push(')');
                Some(())
            }
            2 => self.list(out, little, |it, out| it.point(out, little)),
            3 => self.list(out, little, |it, out| it.list(out, little, |it, out| it.point(out, little))),
            4..=6 => self.list(out, little, |it, out| {
                let little = it.take::<1>()?[0] == 1;
                let inner = it.number(little)?;
                (inner == kind - 3).then_some(())?;
                it.named(inner, out, little, false, depth)
            }),
            7 => self.list(out, little, |it, out| it.geometry(out, depth)),
            _ => None,
        }
    }
}
