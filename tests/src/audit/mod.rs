//! What no archive of the distribution may contain: red-zone use, thread-locals that need a
//! dynamic linker, and instructions above the target's baseline outside functions chosen by CPUID.
//!
//! 1. Every executable section of every member is decoded; nothing is sampled.
//! 2. The findings are data: who calls decides what to allow and how to report it.

mod allowed;
mod code;

use std::path::Path;

use object::read::archive::ArchiveFile;
use object::{Object, ObjectSection, SectionFlags};

pub use allowed::is_allowed;
pub use code::{Code, Finding, Violation, scan_code};

/// The audit of one archive.
#[derive(Debug, Default)]
pub struct ArchiveAudit {
    /// Everything that breaks a rule, in the order of the members.
    pub findings: Vec<Finding>,
    /// Size of all thread-local data of the archive, in bytes.
    pub tls_bytes: u64,
    /// Instructions decoded.
    pub instruction_count: u64,
}

/// Why an archive could not be audited.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The file could not be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The archive.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The archive or a member is not what an ELF archive should be.
    #[error("{path}: {source}")]
    Malformed {
        /// The archive.
        path: String,
        /// What the reader said.
        source: object::Error,
    },
}

/// Audits every member of the archive at `path`.
///
/// # Errors
/// [`AuditError`] when the file cannot be read or is no archive of ELF objects.
pub fn audit_archive(path: &Path) -> Result<ArchiveAudit, AuditError> {
    let name = path.display().to_string();
    let data = std::fs::read(path).map_err(|source| AuditError::Read {
        path: name.clone(),
        source,
    })?;
    audit_bytes(&data).map_err(|source| AuditError::Malformed { path: name, source })
}

fn audit_bytes(data: &[u8]) -> Result<ArchiveAudit, object::Error> {
    let mut audit = ArchiveAudit::default();
    for member in ArchiveFile::parse(data)?.members() {
        let member = member?;
        let name = String::from_utf8_lossy(member.name()).into_owned();
        let file = object::File::parse(member.data(data)?)?;
        let processor = match file.architecture() {
            object::Architecture::I386 => Code::X86,
            _ => Code::X86_64,
        };
        for section in file.sections() {
            let SectionFlags::Elf { sh_flags, .. } = section.flags() else {
                continue;
            };
            if sh_flags.contains(object::elf::SHF_TLS) {
                audit.tls_bytes += section.size();
            }
            if sh_flags.contains(object::elf::SHF_EXECINSTR) {
                let symbol = section.name().unwrap_or("?").to_owned();
                audit.instruction_count += scan_code(
                    processor,
                    section.data()?,
                    &name,
                    &symbol,
                    &mut audit.findings,
                );
            }
            dynamic_tls_relocations(&file, &section, &name, &mut audit.findings);
        }
    }
    Ok(audit)
}

/// Thread-locals reached by a call into a dynamic linker, which a kernel does not have.
fn dynamic_tls_relocations<'data>(
    file: &object::File<'data>,
    section: &object::Section<'data, '_>,
    member: &str,
    findings: &mut Vec<Finding>,
) {
    use object::elf::{
        R_386_TLS_DTPMOD32, R_386_TLS_DTPOFF32, R_386_TLS_GD, R_386_TLS_LDM, R_386_TLS_LDO_32,
        R_X86_64_DTPMOD64, R_X86_64_DTPOFF32, R_X86_64_DTPOFF64, R_X86_64_TLSGD, R_X86_64_TLSLD,
    };
    let of_a_dynamic_linker = match file.architecture() {
        object::Architecture::I386 => [
            R_386_TLS_GD,
            R_386_TLS_LDM,
            R_386_TLS_DTPMOD32,
            R_386_TLS_DTPOFF32,
            R_386_TLS_LDO_32,
        ],
        object::Architecture::X86_64 => [
            R_X86_64_TLSGD,
            R_X86_64_TLSLD,
            R_X86_64_DTPMOD64,
            R_X86_64_DTPOFF32,
            R_X86_64_DTPOFF64,
        ],
        _ => return,
    };
    for (offset, relocation) in section.relocations() {
        let object::RelocationFlags::Elf { r_type } = relocation.flags() else {
            continue;
        };
        if of_a_dynamic_linker.contains(&r_type) {
            findings.push(Finding {
                member: member.to_owned(),
                symbol: section.name().unwrap_or("?").to_owned(),
                offset,
                violation: Violation::DynamicTls,
            });
        }
    }
}
