//! A package as one compressed archive.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use walkdir::WalkDir;

use crate::error::{Result, system};
use crate::shell::Progress;
use crate::temporary::TemporaryFolder;

/// A good ratio at a speed that two processors reach.
const COMPRESSION_LEVEL: i32 = 9;

/// Writes a tar archive whose bytes depend on the files alone: sorted, without times or owners.
///
/// # Errors
/// When a file cannot be read or written.
pub fn compress(root: &Path, output: &Path) -> Result<()> {
    let failed = || format!("cannot write {}", output.display());
    let folder = output.parent().unwrap_or(Path::new("."));
    let partial = TemporaryFolder::new_in(folder).map_err(system(failed()))?;
    let packed = partial.path().join("packed");
    let file = File::create(&packed).map_err(system(failed()))?;
    let mut encoder = zstd::Encoder::new(file, COMPRESSION_LEVEL).map_err(system(failed()))?;
    encoder.include_checksum(true).map_err(system(failed()))?;
    encoder.multithread(2).map_err(system(failed()))?;
    let mut archive = tar::Builder::new(encoder);
    let mut progress = Progress::new("compress");
    let files: Vec<_> = WalkDir::new(root)
        .sort_by_file_name()
        .into_iter()
        .flatten()
        .filter(|entry| entry.file_type().is_file())
        .collect();
    for (index, entry) in files.iter().enumerate() {
        let mut file = File::open(entry.path()).map_err(system(failed()))?;
        let metadata = file.metadata().map_err(system(failed()))?;
        let mut header = tar::Header::new_gnu();
        header.set_size(metadata.len());
        header.set_mode(if metadata.permissions().mode() & 0o100 == 0 {
            0o644
        } else {
            0o755
        });
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        let inner = entry.path().strip_prefix(root).unwrap_or(entry.path());
        archive
            .append_data(&mut header, inner, &mut file)
            .map_err(system(failed()))?;
        progress.update(index as u64 + 1, files.len() as u64);
    }
    archive
        .into_inner()
        .and_then(zstd::Encoder::finish)
        .map_err(system(failed()))?;
    fs::set_permissions(&packed, fs::Permissions::from_mode(0o644))?;
    fs::rename(&packed, output).map_err(system(failed()))?;
    progress.finish();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_files_make_equal_archives() {
        let folder = tempfile::tempdir().unwrap();
        let mut archives = Vec::new();
        for name in ["a", "b"] {
            let root = folder.path().join(name);
            fs::create_dir_all(root.join("lib")).unwrap();
            for file in ["lib/z.a", "lib/a.a"] {
                fs::write(root.join(file), file).unwrap();
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            let output = folder.path().join(format!("{name}.tar.zst"));
            compress(&root, &output).unwrap();
            archives.push(fs::read(output).unwrap());
        }
        assert_eq!(archives[0], archives[1]);
    }
}
