//! Where the program comes from, and what of its bundle stays.

use bareflow_bundle::{ARGUMENT, Builder, Bundle, ENVIRONMENT, FILE, HOST_FILE, INPUT, MODULE};

use super::ExportError;
use crate::disk::ImageFile;

/// The bundle of an image that has modules in it.
///
/// # Errors
/// [`ExportError`] if the image is damaged or has none.
pub fn bundle_of(image: &ImageFile) -> Result<Vec<u8>, ExportError> {
    let bytes = image.bundle_with_files()?;
    let bundle = Bundle::open(&bytes).map_err(|error| ExportError::Bundle {
        path: image.path.clone(),
        reason: error.to_string(),
    })?;
    if bundle.with_prefix(MODULE).next().is_none() {
        return Err(ExportError::NoProgram {
            path: image.path.clone(),
        });
    }
    Ok(bytes)
}

/// The bundle with other arguments behind the program's name.
pub fn with_arguments(bundle: &Bundle, arguments: &[String]) -> Vec<u8> {
    let mut builder = Builder::default();
    let mut names = bundle.entries().filter(|entry| entry.name == ARGUMENT);
    builder.add(ARGUMENT, names.next().map_or(b"", |entry| entry.contents));
    for argument in arguments {
        builder.add(ARGUMENT, argument.as_bytes());
    }
    for entry in bundle.entries().filter(|entry| entry.name != ARGUMENT) {
        builder.add(entry.name, entry.contents);
    }
    builder.finish()
}

/// What a native program still wants of the bundle: arguments, environment, files and input.
pub fn without_modules(bundle: &Bundle) -> Vec<u8> {
    let mut builder = Builder::default();
    for entry in bundle.entries() {
        let stays = matches!(entry.name, ARGUMENT | INPUT)
            || entry.name.starts_with(ENVIRONMENT)
            || entry.name.starts_with(FILE)
            || entry.name.starts_with(HOST_FILE);
        if stays {
            builder.add(entry.name, entry.contents);
        }
    }
    builder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bareflow_bundle::TIER;

    fn entries(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
        let bundle = Bundle::open(bytes).unwrap();
        let pairs = bundle.entries();
        pairs
            .map(|entry| (entry.name.to_owned(), entry.contents.to_vec()))
            .collect()
    }

    #[test]
    fn arguments_environment_files_and_input_stay() {
        let mut builder = Builder::default();
        for (name, contents) in [
            (TIER, "O2"),
            (ARGUMENT, "name"),
            (ARGUMENT, "old"),
            ("environment/HOME", "/"),
            ("module/a.bc", "BC"),
            ("file/etc/motd", "hello"),
            (INPUT, "typed"),
        ] {
            builder.add(name, contents.as_bytes());
        }
        let bytes = builder.finish();
        let bundle = Bundle::open(&bytes).unwrap();
        let names: Vec<String> = entries(&without_modules(&bundle))
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(
            names,
            [
                "argument",
                "argument",
                "environment/HOME",
                "file/etc/motd",
                "input"
            ]
        );

        let changed = entries(&with_arguments(&bundle, &["new".into(), "er".into()]));
        let arguments: Vec<&[u8]> = changed
            .iter()
            .filter(|(name, _)| name == ARGUMENT)
            .map(|(_, contents)| contents.as_slice())
            .collect();
        assert_eq!(arguments, [&b"name"[..], b"new", b"er"]);
        assert_eq!(changed.len(), 8);
    }
}
