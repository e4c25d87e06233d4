//! What an image consists of, byte by byte: every byte of the file is in exactly one part. And what of LLVM was used.

mod coverage;
mod kernel;
mod link_map;
mod linked;
mod pages;
mod trace;
mod volume;

use std::collections::BTreeSet;
use std::path::Path;

use bareflow_boot_layout::{BOOT_PARTITION_SECTOR, SECTOR_SIZE_BYTES, STAGE2_SIZE_BYTES};
use bareflow_bundle::Bundle;
use serde::Serialize;

use bareflow_image::context::Context;
use bareflow_image::disk::{ImageFile, Storage};
use bareflow_image::error::{Error, Result};
use bareflow_run::qemu::Writes;

use linked::LinkedKernel;
use pages::Pages;

pub use coverage::{Counts, Coverage, Figures};
pub use kernel::KernelSizes;

/// A part of an image, and what it consists of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Part {
    /// What it is.
    pub name: String,
    /// How large it is.
    pub bytes: u64,
    /// Its own parts; empty if it has none. They need not fill it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
}

impl Part {
    fn new(name: impl Into<String>, bytes: u64) -> Self {
        Self {
            name: name.into(),
            bytes,
            parts: Vec::new(),
        }
    }

    /// As large as its parts.
    fn of(name: impl Into<String>, parts: Vec<Self>) -> Self {
        Self {
            name: name.into(),
            bytes: parts.iter().map(|part| part.bytes).sum(),
            parts,
        }
    }
}

/// Whether an image is booted to see which functions run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracing {
    /// It is not.
    Off,
    /// It is, once more than it was already; what the machine writes is forgotten.
    NextBoot,
}

/// An image's sizes.
#[derive(Clone, Debug, Serialize)]
pub struct ImageSizes {
    /// The file.
    pub image: String,
    /// The image and its parts.
    pub whole: Part,
    /// What of the kernel comes from where, if this repository has linked it.
    pub kernel: Option<KernelSizes>,
    /// What of LLVM was used, if something is known of it.
    pub coverage: Option<Coverage>,
}

impl ImageSizes {
    /// Measures an image. Kernels that it may have are looked for among those that were built in the repository.
    ///
    /// # Errors
    /// That the image cannot be read, that a link map cannot be made, or that the boot that is traced fails.
    pub fn measure(path: &Path, context: &Context, tracing: Tracing) -> Result<Self> {
        let image = ImageFile::open(path)?;
        let core = image.kernel()?;
        let linked = LinkedKernel::find(&image, context)?;
        let pages = Pages::of(&image)?;
        let kernel = linked
            .as_ref()
            .map(|linked| KernelSizes::of(linked, &pages));
        let sector = |count: u32| u64::from(count) * SECTOR_SIZE_BYTES as u64;
        let header = &image.header;
        let stages_end = SECTOR_SIZE_BYTES as u64 + STAGE2_SIZE_BYTES as u64;
        let mut parts = vec![
            Part::new("stage 1 and partition table", SECTOR_SIZE_BYTES as u64),
            Part::new("stage 2", STAGE2_SIZE_BYTES as u64),
            Part::new("gap", sector(BOOT_PARTITION_SECTOR) - stages_end),
            Part::new("header", SECTOR_SIZE_BYTES as u64),
            kernel_part("core", core.len() as u64, |bytes| {
                kernel.as_ref()?.core_parts(bytes).into()
            }),
            bundle_part(&image.bundle()?, sector(header.bundle_sectors)),
            Part::new("table of LLVM", sector(header.llvm_table_sectors)),
            match header.llvm_extent().storage() {
                Storage::Plain => {
                    kernel_part("LLVM and symbols", sector(header.llvm_sectors), |bytes| {
                        kernel.as_ref()?.llvm_parts(bytes).into()
                    })
                }
                // Nobody can say which of the bytes are whose.
                Storage::Compressed => {
                    Part::new("LLVM and symbols, compressed", sector(header.llvm_sectors))
                }
            },
        ];
        if header.files_sectors > 0 {
            parts.push(Part::new("files", sector(header.files_sectors)));
        }
        let boot_end: u64 = parts.iter().map(|part| part.bytes).sum();
        let end = match image.volume()? {
            Some(mut volume) => {
                let start = volume.device().first_sector() * SECTOR_SIZE_BYTES as u64;
                parts.push(Part::new("gap", start - boot_end));
                let part = volume::part(&mut volume);
                let end = start + part.bytes;
                parts.push(part);
                end
            }
            None => boot_end,
        };
        let rest = image.size_bytes.saturating_sub(end);
        if rest > 0 {
            parts.push(Part::new("padding", rest));
        }
        let ran = functions_that_ran(&image, linked.as_ref(), &pages, context, tracing)?;
        let is_known = pages.is_use_known() || ran.is_some();
        Ok(Self {
            coverage: is_known.then(|| Coverage::of(linked.as_ref(), &pages, ran.as_ref())),
            image: path.display().to_string(),
            whole: Part::of("image", parts),
            kernel,
        })
    }
}

/// The addresses of LLVM's functions that run in the image's next boot; `None` if it is not known.
fn functions_that_ran(
    image: &ImageFile,
    kernel: Option<&LinkedKernel>,
    pages: &Pages,
    context: &Context,
    tracing: Tracing,
) -> Result<Option<BTreeSet<u64>>> {
    match (pages.count(), tracing, kernel) {
        (0, ..) => Ok(Some(BTreeSet::new())),
        (_, Tracing::Off, _) => Ok(None),
        (_, Tracing::NextBoot, Some(kernel)) => {
            trace::run(image, kernel, context, Writes::Dropped).map(Some)
        }
        (_, Tracing::NextBoot, None) => Err(unknown_kernel(image)),
    }
}

/// The addresses of LLVM's functions that run in the next boot of an image with a kernel that was just linked.
///
/// # Errors
/// That its kernel is another one, or that the boot failed.
pub fn functions_that_run(
    image: &ImageFile,
    context: &Context,
    writes: Writes,
) -> Result<BTreeSet<u64>> {
    let kernel = LinkedKernel::find(image, context)?.ok_or_else(|| unknown_kernel(image))?;
    trace::run(image, &kernel, context, writes)
}

fn unknown_kernel(image: &ImageFile) -> Error {
    Error::build(format!(
        "the kernel of {} is not the last one that was linked here: its functions are not known and cannot be \
         traced; make the image again",
        image.path.display()
    ))
}

fn kernel_part(name: &str, bytes: u64, parts: impl Fn(u64) -> Option<Vec<Part>>) -> Part {
    Part {
        parts: parts(bytes).unwrap_or_default(),
        ..Part::new(name, bytes)
    }
}

fn bundle_part(bytes: &[u8], sector_bytes: u64) -> Part {
    let mut parts = Vec::new();
    if let Ok(bundle) = Bundle::open(bytes) {
        for entry in bundle.entries().filter(|entry| entry.name.contains('/')) {
            parts.push(Part::new(entry.name, entry.contents.len() as u64));
        }
    }
    Part {
        parts,
        ..Part::new("bundle", sector_bytes)
    }
}
