//! Coverage of LLVM: what of it an image has, and what of that its boots have used.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::linked::LinkedKernel;
use super::pages::{Pages, Share};

/// How much of LLVM there is, and how much of it was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// In LLVM as it was linked.
    pub all: u64,
    /// On pages that the image has.
    pub in_image: u64,
    /// On pages that boots of the image have used; `None` if that is not known.
    pub used: Option<u64>,
}

impl Counts {
    fn add(&mut self, all: u64, share: Share) {
        self.all += all;
        self.in_image += share.in_image;
        self.used = self.used.zip(share.used).map(|(sum, more)| sum + more);
    }
}

/// LLVM's pages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PageCoverage {
    /// How many, without those of the table of functions.
    #[serde(flatten)]
    pub counts: Counts,
    /// The used ones: the first of pages that follow each other, and how many they are.
    pub used_ranges: Vec<(usize, usize)>,
}

/// What a library, or all of LLVM, has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Code, constants, and variables with a value.
    pub bytes: Counts,
    /// Functions. One with bytes on several pages counts when any of them does: more than were called.
    pub functions: Counts,
    /// Functions that ran in the boot that was traced; `None` if none was.
    pub ran: Option<u64>,
}

/// A library.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LibraryCoverage {
    /// Its name.
    pub library: String,
    /// What it has.
    #[serde(flatten)]
    pub figures: Figures,
}

/// A function on used pages, or that ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FunctionCoverage {
    /// Its name, as its source has it.
    pub name: String,
    /// The library that it comes from.
    pub library: String,
    /// Where it begins.
    pub address: u64,
    /// How large it is.
    pub bytes: u64,
    /// Whether it ran in the boot that was traced; `None` if none was.
    pub ran: Option<bool>,
}

/// What of LLVM was used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// By page.
    pub pages: PageCoverage,
    /// Of all of LLVM.
    pub total: Figures,
    /// By library, the largest first; none if the kernel is not known.
    pub libraries: Vec<LibraryCoverage>,
    /// The functions, by address.
    pub functions: Vec<FunctionCoverage>,
}

impl Coverage {
    /// Of an image with these pages. `ran` has the addresses of the functions that ran, if a boot was traced.
    pub fn of(kernel: Option<&LinkedKernel>, pages: &Pages, ran: Option<&BTreeSet<u64>>) -> Self {
        let zero = Counts {
            used: pages.is_use_known().then_some(0),
            ..Counts::default()
        };
        let nothing = Figures {
            bytes: zero,
            functions: zero,
            ran: ran.map(|_| 0),
        };
        let mut counts = zero;
        counts.add(pages.count() as u64, pages.own());
        let mut coverage = Self {
            pages: PageCoverage {
                counts,
                used_ranges: pages.used_ranges(),
            },
            total: nothing,
            ..Self::default()
        };
        let mut libraries = BTreeMap::new();
        for placement in kernel.into_iter().flat_map(LinkedKernel::llvm) {
            let figures = libraries.entry(&*placement.library).or_insert(nothing);
            for figures in [figures, &mut coverage.total] {
                let share = pages.bytes(&placement.addresses());
                figures.bytes.add(placement.bytes, share);
            }
        }
        for function in kernel.into_iter().flat_map(LinkedKernel::llvm_functions) {
            let share = pages.presence(&function.addresses());
            let ran = ran.map(|ran| ran.contains(&function.address));
            let figures = libraries.entry(function.library).or_insert(nothing);
            for figures in [figures, &mut coverage.total] {
                figures.functions.add(1, share);
                figures.ran = figures.ran.zip(ran).map(|(sum, ran)| sum + u64::from(ran));
            }
            if share.used == Some(1) || ran == Some(true) {
                coverage.functions.push(FunctionCoverage {
                    name: function.name.to_owned(),
                    library: function.library.to_owned(),
                    address: function.address,
                    bytes: function.bytes,
                    ran,
                });
            }
        }
        let libraries = libraries.into_iter();
        coverage.libraries = libraries
            .map(|(library, figures)| LibraryCoverage {
                library: library.to_owned(),
                figures,
            })
            .collect();
        let size = |coverage: &LibraryCoverage| coverage.figures.bytes.all;
        coverage
            .libraries
            .sort_by_key(|library| std::cmp::Reverse(size(library)));
        coverage
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use bareflow_boot_layout::symbols::{Symbol, build};

    use super::*;
    use crate::size::link_map::{Home, Kind, Placement};

    const START: u64 = 0x4a00_0000;
    const PAGE: u64 = 4096;

    fn kernel() -> LinkedKernel {
        let place = |page: u64, bytes, kind, library: &str| Placement {
            address: START + page * PAGE,
            bytes,
            kind,
            home: Home::Llvm,
            library: library.to_owned(),
        };
        let placements = vec![
            place(4, 100, Kind::Rodata, "core"),
            place(0, 2 * PAGE, Kind::Text, "core"),
            place(2, PAGE, Kind::Text, "passes"),
            place(5, 9000, Kind::Bss, "core"),
        ];
        let symbol = |start: u64, end: u64, name| Symbol {
            address: (START + start) as u32,
            end: (START + end) as u32,
            name,
        };
        let mut symbols = [
            symbol(0, 100, "first"),
            symbol(0, 100, "an_alias"),
            symbol(100, PAGE + 1, "long"),
            symbol(2 * PAGE, 2 * PAGE + 8, "pass"),
            // In no section of LLVM's part.
            symbol(6 * PAGE, 7 * PAGE, "other"),
        ];
        LinkedKernel::new(PathBuf::new(), placements, build(&mut symbols))
    }

    fn counts(all: u64, in_image: u64, used: Option<u64>) -> Counts {
        Counts {
            all,
            in_image,
            used,
        }
    }

    #[test]
    fn libraries_have_what_is_on_their_pages() {
        let pages = Pages::of_sets(START, 5, &[0, 1, 4, 5], Some(&[1]));
        let ran = BTreeSet::from([START + 100]);
        let coverage = Coverage::of(Some(&kernel()), &pages, Some(&ran));
        assert_eq!(coverage.pages.counts, counts(5, 3, Some(1)));
        assert_eq!(coverage.pages.used_ranges, [(1, 1)]);
        let core = Figures {
            bytes: counts(2 * PAGE + 100, 2 * PAGE + 100, Some(PAGE)),
            functions: counts(2, 2, Some(1)),
            ran: Some(1),
        };
        let passes = Figures {
            bytes: counts(PAGE, 0, Some(0)),
            functions: counts(1, 0, Some(0)),
            ran: Some(0),
        };
        let libraries: Vec<(&str, Figures)> = coverage
            .libraries
            .iter()
            .map(|library| (library.library.as_str(), library.figures))
            .collect();
        assert_eq!(libraries, [("core", core), ("passes", passes)]);
        assert_eq!(
            coverage.total.bytes,
            counts(3 * PAGE + 100, 2 * PAGE + 100, Some(PAGE))
        );
        assert_eq!(coverage.total.functions, counts(3, 2, Some(1)));
        let [long] = &coverage.functions[..] else {
            panic!("{:?}", coverage.functions);
        };
        assert_eq!(
            (long.name.as_str(), long.library.as_str()),
            ("long", "core")
        );
        assert_eq!((long.address, long.bytes), (START + 100, PAGE - 99));
        assert_eq!(long.ran, Some(true));
    }

    #[test]
    fn what_is_not_known_is_not_zero() {
        let pages = Pages::of_sets(START, 5, &[0, 1, 2, 3, 4], None);
        let ran = BTreeSet::from([START]);
        let coverage = Coverage::of(Some(&kernel()), &pages, Some(&ran));
        assert_eq!(coverage.total.functions, counts(3, 3, None));
        assert_eq!(coverage.total.ran, Some(1));
        // Of the names of one address the shortest stays.
        assert_eq!(coverage.functions[0].name, "first");
        let coverage = Coverage::of(None, &pages, None);
        assert_eq!(coverage.pages.counts, counts(5, 5, None));
        assert!(coverage.libraries.is_empty());
    }

    #[test]
    fn of_no_llvm_nothing_was_used() {
        let pages = Pages::of_sets(START, 0, &[], Some(&[]));
        let coverage = Coverage::of(None, &pages, Some(&BTreeSet::new()));
        assert_eq!(coverage.pages.counts, counts(0, 0, Some(0)));
        assert_eq!(coverage.total.bytes, counts(0, 0, Some(0)));
        assert_eq!(coverage.total.ran, Some(0));
    }
}
