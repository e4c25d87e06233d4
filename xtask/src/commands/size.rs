//! `cargo xtask size`: what an image consists of.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use comfy_table::{CellAlignment, Table, presets};

use crate::error::{Error, Result, system};
use crate::size::{ImageSizes, KernelSizes, Part};
use crate::tools::Installation;
use crate::workbench::Workbench;

/// Say what images consist of: boot stages, the kernel by library, the bundle, the FAT16 volume with its files.
#[derive(Args, Debug)]
pub struct SizeArgs {
    /// Also write everything to this file, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
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
        let bench = Workbench::prepare(Installation::Forbidden)?;
        let mut all = Vec::new();
        for image in &self.images {
            let sizes = ImageSizes::measure(image, &bench)?;
            println!("{}", sizes.image);
            println!("{}\n", table_of_parts(&sizes.whole));
            match &sizes.kernel {
                Some(kernel) => println!("{}\n", table_of_libraries(kernel)),
                None => eprintln!(
                    "bareflow: note: the kernel of {} is not the last one that was linked here: its libraries are not \
                     known",
                    sizes.image
                ),
            }
            all.push(sizes);
        }
        if let Some(path) = &self.json {
            let text = serde_json::to_string_pretty(&all)
                .map_err(|error| Error::Build(format!("cannot write JSON: {error}")))?;
            fs::write(path, text + "\n")
                .map_err(system(format!("cannot write {}", path.display())))?;
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

fn align_numbers(table: &mut Table, first: usize) {
    for column in table.column_iter_mut().skip(first) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}
