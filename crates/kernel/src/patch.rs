//! Changes in part: what is absent stays, and `null` takes away.

use serde::{Deserialize, Deserializer};

/// Tells `null` from a field that is not there, in an `Option<Option<T>>`.
///
/// ```
/// #[derive(serde::Deserialize)]
/// struct Patch {
///     #[serde(default, deserialize_with = "muster_kernel::patch::present")]
///     phone: Option<Option<String>>,
/// }
/// let phone = |json| serde_json::from_str::<Patch>(json).expect("a patch").phone;
/// assert_eq!(phone("{}"), None);
/// assert_eq!(phone(r#"{"phone": null}"#), Some(None));
/// ```
///
/// # Errors
/// Those of the deserializer.
pub fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
