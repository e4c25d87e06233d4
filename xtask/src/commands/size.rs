//! `cargo xtask size`: what an image consists of.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use comfy_table::{CellAlignment, Table, presets};

use bareflow_build::tools::Installation;
use bareflow_image::context::Context;
use bareflow_image::error::{Error, Result};
use bareflow_image::outputs::{OutputFile, write_output};
use bareflow_report::size::{Counts, Coverage, Figures, ImageSizes, KernelSizes, Part, Tracing};
use bareflow_run::say;

/// Say what images consist of, and what of LLVM their boots have used.
///
/// An image consists of boot stages, the kernel, which is shown by library, the bundle, and the FAT16 volume with its
/// files. Which pages of LLVM were used is known from the images' own records of touches.
#[derive(Args, Debug)]
pub struct SizeArgs {
    /// Also write everything to this file, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Boot each image once more, with what the machine writes forgotten, and count the functions of LLVM that run
    #[arg(long)]
    trace: bool,
    /// The images
    #[arg(value_name = "IMAGE", default_value = "bareflow.img")]
    images: Vec<PathBuf>,
}

impl SizeArgs {
    /// Prints the tables.
    ///
    /// # Errors
    /// That an image cannot be read.
    pub fn run(self) -> Result<ExitCode> {
        let context = Context::prepare(Installation::Forbidden)?;
        let tracing = match self.trace {
            true => Tracing::NextBoot,
            false => Tracing::Off,
        };
        if let Some(path) = &self.json {
            OutputFile::new(path, "--json")?.other_than(&self.images)?;
        }
        let mut all = Vec::new();
        for image in &self.images {
            let sizes = ImageSizes::measure(image, &context, tracing)?;
            say!("{}", sizes.image);
            say!("{}\n", table_of_parts(&sizes.whole));
            match &sizes.kernel {
                Some(kernel) => say!("{}\n", table_of_libraries(kernel)),
                None => eprintln!(
                    "bareflow: note: the kernel of {} is not the last one that was linked here: its libraries are not \
                     known",
                    sizes.image
                ),
            }
            show_coverage(&sizes);
            all.push(sizes);
        }
        if let Some(path) = &self.json {
            let text = serde_json::to_string_pretty(&all)
                .map_err(|error| Error::build(format!("cannot write JSON: {error}")))?;
            write_output(path, "--json", (text + "\n").as_bytes())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Parts deeper than this are in the table of libraries or not told apart.
const SHOWN_DEPTH: usize = 3;

fn table_of_parts(whole: &Part) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_header(["part", "bytes", "%"]);
    add_rows(&mut table, whole, 0, whole.bytes.max(1));
    align_numbers(&mut table, 1);
    table
}

fn add_rows(table: &mut Table, part: &Part, depth: usize, whole_bytes: u64) {
    let share = part.bytes as f64 * 100.0 / whole_bytes as f64;
    table.add_row([
        format!("{}{}", "  ".repeat(depth), part.name),
        part.bytes.to_string(),
        format!("{share:.1}"),
    ]);
    // The libraries of a group have a table of their own.
    if depth + 1 < SHOWN_DEPTH || part.name.ends_with(".snap") {
        for inner in &part.parts {
            add_rows(table, inner, depth + 1, whole_bytes);
        }
    }
}

fn table_of_libraries(kernel: &KernelSizes) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header([
        "library",
        "part",
        "text",
        "rodata",
        "data",
        "bss",
        "in the image",
    ]);
    for (part, libraries) in [("core", &kernel.core), ("LLVM", &kernel.llvm)] {
        for sizes in libraries {
            let numbers = [
                sizes.text,
                sizes.rodata,
                sizes.data,
                sizes.bss,
                sizes.image_bytes(),
            ];
            let mut row = vec![sizes.library.clone(), part.to_owned()];
            row.extend(numbers.map(|number| number.to_string()));
            table.add_row(row);
        }
    }
    align_numbers(&mut table, 2);
    table
}

fn show_coverage(sizes: &ImageSizes) {
    let is_use_known = match &sizes.coverage {
        Some(coverage) if coverage.pages.counts.all == 0 => {
            say!("the image has no LLVM\n");
            true
        }
        Some(coverage) => {
            if !coverage.libraries.is_empty() {
                say!("LLVM that was used\n{}", table_of_coverage(coverage));
            }
            say!("{}\n", line_of_pages(&coverage.pages.counts));
            coverage.pages.counts.used.is_some()
        }
        None => false,
    };
    if !is_use_known {
        eprintln!(
            "bareflow: note: nothing is known of what boots of {0} use of LLVM; boot it with `cargo xtask run --image {0}`",
            sizes.image
        );
    }
}

fn table_of_coverage(coverage: &Coverage) -> Table {
    let mut table = Table::new();
    let mut header = vec![
        "library",
        "bytes",
        "in image",
        "used",
        "%",
        "functions",
        "in image",
        "on used pages",
    ];
    if coverage.total.ran.is_some() {
        header.push("ran");
    }
    table.load_preset(presets::NOTHING).set_header(header);
    for library in &coverage.libraries {
        table.add_row(row_of_coverage(&library.library, &library.figures));
    }
    table.add_row(row_of_coverage("total", &coverage.total));
    align_numbers(&mut table, 1);
    table
}

fn row_of_coverage(name: &str, figures: &Figures) -> Vec<String> {
    let Figures {
        bytes,
        functions,
        ran,
    } = figures;
    let mut row = vec![
        name.to_owned(),
        bytes.all.to_string(),
        bytes.in_image.to_string(),
        or_unknown(bytes.used),
        share(bytes),
        functions.all.to_string(),
        functions.in_image.to_string(),
        or_unknown(functions.used),
    ];
    row.extend(ran.map(|ran| ran.to_string()));
    row
}

fn line_of_pages(pages: &Counts) -> String {
    let used = match pages.used {
        Some(used) => format!("{used} ({} %)", share(pages)),
        None => "not known".to_owned(),
    };
    let Counts { all, in_image, .. } = pages;
    format!("pages of LLVM: {all}, in the image: {in_image}, used: {used}")
}

fn or_unknown(number: Option<u64>) -> String {
    number.map_or("-".to_owned(), |number| number.to_string())
}

/// What was used of LLVM, in percent.
fn share(counts: &Counts) -> String {
    counts.used.map_or("-".to_owned(), |used| {
        format!("{:.1}", used as f64 * 100.0 / counts.all.max(1) as f64)
    })
}

fn align_numbers(table: &mut Table, first: usize) {
    for column in table.column_iter_mut().skip(first) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}
