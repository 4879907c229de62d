use mysql_async::Value as Raw;
use proptest::prelude::*;
use serde_json::json;

use super::{Form, bits, bound, geometry};

#[test]
fn values_lose_nothing() {
    let (wide, moment) = (Form::Integer { wide: true }, Form::Moment { utc: true });
    for (form, raw, value) in [
        (wide, Raw::UInt(u64::MAX), json!("18446744073709551615")),
        (wide, Raw::UInt(9_007_199_254_740_991), json!(9_007_199_254_740_991_i64)),
        (wide, Raw::Int(i64::MIN), json!("-9223372036854775808")),
        (Form::Float, Raw::Float(0.1), json!(0.1)),
        (Form::Date, Raw::Date(0, 0, 0, 0, 0, 0, 0), json!("0000-00-00")),
        (moment, Raw::Date(2024, 2, 29, 1, 2, 3, 500_000), json!("2024-02-29T01:02:03.5Z")),
        (Form::Moment { utc: false }, Raw::Date(0, 0, 0, 0, 0, 0, 0), json!("0000-00-00T00:00:00")),
        (Form::Time, Raw::Time(true, 34, 22, 59, 59, 1), json!("-838:59:59.000001")),
        (Form::Decimal, Raw::Bytes(b"12345678901234567890.10".to_vec()), json!("12345678901234567890.10")),
        (Form::Bytes, Raw::Bytes(vec![0, 255]), json!("AP8=")),
        (Form::Text, Raw::Bytes(vec![255]), json!("/w==")),
        (Form::Json, Raw::Bytes(br#"{"a": 12345678901234567890}"#.to_vec()), json!({"a": "12345678901234567890"})),
        (Form::Text, Raw::NULL, json!(null)),
    ] {
        assert_eq!(form.json(raw.clone()), value, "{raw:?}");
    }
    assert_eq!(bits(&[0b101], 3), "101");
    assert_eq!(bits(&[1, 0], 10), "0100000000");
}

#[test]
fn parameters_are_bound_as_they_are() {
    let values = [json!(true), json!(u64::MAX), json!(1.5), json!("a\0'b"), json!({"a": [1]}), json!(null)];
    let raw = bound(&values).unwrap();
    let expected = [
        Raw::Int(1),
        Raw::UInt(u64::MAX),
        Raw::Double(1.5),
        Raw::Bytes(b"a\0'b".to_vec()),
        Raw::Bytes(br#"{"a":[1]}"#.to_vec()),
        Raw::NULL,
    ];
    assert_eq!(raw, expected);
}

proptest! {
    #[test]
    fn no_bytes_break_the_reader_of_geometries(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = geometry::text(&bytes);
    }
}
