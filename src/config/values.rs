//! Reading the values of settings.

use std::collections::BTreeMap;
use std::time::Duration;

use super::SETTINGS;

/// What a setting may count in.
pub(super) trait Number: std::str::FromStr + PartialOrd + std::fmt::Display {
    const KIND: &str = "a whole number";
}

impl Number for u32 {}
impl Number for u64 {}
impl Number for usize {}
impl Number for f32 {
    const KIND: &str = "a number";
}

pub(super) struct Values<'a>(pub &'a BTreeMap<String, String>);

impl Values<'_> {
    pub(super) fn text(&self, name: &str) -> &str {
        let given = self.0.get(name).map(|value| value.trim());
        given.filter(|value| !value.is_empty()).unwrap_or_else(|| {
            let setting = SETTINGS.iter().find(|setting| setting.name == name);
            setting.map_or("", |setting| setting.default)
        })
    }

    pub(super) fn number<T>(
        &self,
        name: &str,
        range: std::ops::RangeInclusive<T>,
    ) -> Result<T, String>
    where
        T: Number,
    {
        let text = self.text(name);
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| {
            format!(
                "{name} is {text:?}; it takes {} from {} to {}",
                T::KIND,
                range.start(),
                range.end()
            )
        })
    }

    pub(super) fn seconds(
        &self,
        name: &str,
        range: std::ops::RangeInclusive<u64>,
    ) -> Result<Duration, String> {
        self.number(name, range).map(Duration::from_secs)
    }
}
