//! The machine and its command line.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// RAM of a machine, unless somebody asks for more or less.
pub const DEFAULT_MEMORY_MIB: u32 = 512;

/// How the machine starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Boot {
    /// By its BIOS from a disk image.
    Disk(Drive),
    /// Directly, by the PVH entry of the kernel's ELF file.
    Pvh {
        /// The kernel.
        kernel: PathBuf,
        /// The program's bundle.
        bundle: PathBuf,
    },
    /// The same in QEMU's machine `microvm`, which has no PCI, and firmware that looks for little. The console must be the
    /// serial line.
    Microvm {
        /// The kernel.
        kernel: PathBuf,
        /// The program's bundle.
        bundle: PathBuf,
    },
}

/// What of a PC's devices the kernel wants from a `microvm`; serial ports are added one by one.
const MICROVM: &str = "microvm,pit=on,pic=on,rtc=on,isa-serial=off,auto-kernel-cmdline=off";
/// Addresses and interrupts of a PC's first three serial ports.
const SERIAL_PORTS: [(u16, u8); 3] = [(0x3f8, 4), (0x2f8, 3), (0x3e8, 4)];

/// A disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drive {
    /// The image.
    pub image: PathBuf,
    /// How it is connected.
    pub interface: Interface,
    /// What becomes of what the machine writes.
    pub writes: Writes,
    /// A bundle that comes before the image's, for this run alone.
    pub overlay: Option<Vec<u8>>,
    /// A sector that cannot be read, for tests.
    pub read_error: Option<ReadError>,
}

/// What becomes of what the machine writes to its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writes {
    /// It stays in the image.
    Kept,
    /// It is forgotten when the machine ends.
    Dropped,
}

impl Drive {
    /// A disk as virtual machines have it.
    pub fn new(image: impl Into<PathBuf>) -> Self {
        Self {
            image: image.into(),
            interface: Interface::Virtio,
            writes: Writes::Kept,
            overlay: None,
            read_error: None,
        }
    }
}

/// How a disk is connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Interface {
    /// virtio, over PCI
    #[default]
    Virtio,
    /// IDE
    Ide,
    /// AHCI, for which the kernel has no driver: the BIOS loads everything
    Ahci,
}

/// A sector of the disk whose reading fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// Counted from the start of the disk.
    pub sector: u64,
}

/// The processors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Processors {
    /// So many.
    Count(u32),
    /// One, and another that the firmware names and that never answers, for tests.
    OneAnswers,
}

impl Default for Processors {
    fn default() -> Self {
        Self::Count(1)
    }
}

impl Processors {
    /// The words of the command line; `folder` gets what they name.
    fn words(self, folder: &Path) -> io::Result<Vec<OsString>> {
        match self {
            Self::Count(count) => Ok(vec!["-smp".into(), count.to_string().into()]),
            Self::OneAnswers => {
                let path = folder.join("processors");
                fs::write(&path, ABSENT_PROCESSOR)?;
                let mut words = OsString::from("sig=APIC,rev=1,data=");
                words.push(escape(&path));
                Ok(vec!["-acpitable".into(), words])
            }
        }
    }
}

/// The rest of a table of interrupt controllers (ACPI 6.5, section 5.2.12): where they are, no flags, and a processor with
/// the number 7 that can be used.
const ABSENT_PROCESSOR: [u8; 16] = [0, 0, 0xe0, 0xfe, 0, 0, 0, 0, 0, 8, 7, 7, 1, 0, 0, 0];

/// How the program's streams are connected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Console {
    /// By fast ports.
    #[default]
    Fast,
    /// By the serial line alone, at both ends of which lines are edited.
    Serial,
    /// By fast ports, but for input: that comes from the keyboard of this display of QEMU.
    Display(String),
}

/// The emulated machine.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The emulator.
    pub qemu: PathBuf,
    /// RAM.
    pub memory_mib: u32,
    /// Its processors.
    pub processors: Processors,
    /// Whether one instruction takes one nanosecond of the machine's time (`-icount shift=0`): slower, and
    /// the same in every run.
    pub counts_instructions: bool,
    /// How the program's streams are connected.
    pub console: Console,
    /// How it starts.
    pub boot: Boot,
}

impl Machine {
    /// The command that boots the machine with its streams as the module's documentation says. The
    /// `folder` must live as long as the machine does.
    ///
    /// # Errors
    /// That a file in `folder` cannot be written.
    pub fn command(&self, folder: &Path, report: &Path) -> io::Result<Command> {
        let mut command = Command::new(&self.qemu);
        let board: &[&str] = match self.boot {
            Boot::Microvm { .. } => &["-machine", MICROVM],
            Boot::Disk(_) | Boot::Pvh { .. } => &["-machine", "pc", "-vga", "std"],
        };
        command
            .args(["-no-user-config", "-nodefaults", "-no-reboot"])
            .args(["-display", self.console.display()])
            .args(board)
            // Translated, not virtualised: the same on every host.
            .args(["-accel", "tcg", "-cpu", "max"])
            .args(["-m", &format!("{}M", self.memory_mib)])
            .args(self.processors.words(folder)?)
            .args(["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]);
        if self.counts_instructions {
            command.args(["-icount", "shift=0"]);
        }
        // The child's own output and error streams are two of the serial ports.
        let file = |path: &Path| {
            let mut device = OsString::from("file,path=");
            device.push(escape(path));
            device
        };
        let output = match self.console {
            Console::Serial => OsString::from(OWN_STREAMS),
            _ => file(Path::new("/dev/stdout")),
        };
        let ports = [
            ("log", file(Path::new("/dev/stderr"))),
            ("report", file(report)),
            ("output", output),
        ];
        for ((name, mut device), (address, interrupt)) in ports.into_iter().zip(SERIAL_PORTS) {
            device.push(format!(",id={name}"));
            command.arg("-chardev").arg(device);
            match self.boot {
                Boot::Microvm { .. } => command.args([
                    "-device",
                    &format!("isa-serial,chardev={name},iobase={address},irq={interrupt}"),
                ]),
                Boot::Disk(_) | Boot::Pvh { .. } => {
                    command.args(["-serial", &format!("chardev:{name}")])
                }
            };
        }
        let fast_ports = self.console.fast_ports();
        if !fast_ports.is_empty() {
            command.args(["-device", "virtio-serial-pci,max_ports=4"]);
        }
        for (number, (name, device)) in (1..).zip(fast_ports) {
            command
                .args(["-chardev", &format!("{device},id={name}")])
                .args([
                    "-device",
                    &format!("virtserialport,nr={number},chardev={name}"),
                ]);
        }
        match &self.boot {
            Boot::Disk(drive) => {
                let (kind, device) = drive.interface.words();
                let mut words = OsString::from(kind);
                if drive.writes == Writes::Dropped {
                    words.push("snapshot=on,");
                }
                match drive.read_error {
                    None => words.push("format=raw,file="),
                    Some(error) => {
                        let rules = folder.join("blkdebug.conf");
                        fs::write(&rules, error.rules())?;
                        words.push("driver=raw,file.driver=blkdebug,file.config=");
                        words.push(escape(&rules));
                        words.push(",file.image.filename=");
                    }
                }
                words.push(escape(&drive.image));
                command.args(device).arg("-drive").arg(words);
                if let Some(overlay) = &drive.overlay {
                    let path = folder.join("overlay");
                    fs::write(&path, overlay)?;
                    let mut words = OsString::from("name=opt/bareflow/overlay,file=");
                    words.push(escape(&path));
                    command.arg("-fw_cfg").arg(words);
                }
            }
            Boot::Pvh { kernel, bundle } | Boot::Microvm { kernel, bundle } => {
                command
                    .arg("-kernel")
                    .arg(kernel)
                    .arg("-initrd")
                    .arg(bundle);
            }
        }
        Ok(command)
    }
}

/// QEMU reads its own input when the machine wants some.
const OWN_STREAMS: &str = "stdio,signal=off";

impl Console {
    /// For `-display`.
    fn display(&self) -> &str {
        match self {
            Self::Display(kind) => kind,
            Self::Fast | Self::Serial => "none",
        }
    }

    /// Their names and devices of the host, from port 1 on.
    fn fast_ports(&self) -> &'static [(&'static str, &'static str)] {
        const ALL: &[(&str, &str)] = &[
            ("fast-output", "file,path=/dev/stdout"),
            ("fast-errors", "file,path=/dev/stderr"),
            ("input", OWN_STREAMS),
        ];
        match self {
            Self::Fast => ALL,
            Self::Display(_) => &ALL[..2],
            Self::Serial => &[],
        }
    }
}

impl Interface {
    /// For `-drive`, and the devices that it needs beside it.
    fn words(self) -> (&'static str, &'static [&'static str]) {
        const AHCI: &[&str] = &[
            "-device",
            "ahci,id=ahci",
            "-device",
            "ide-hd,drive=disk,bus=ahci.0",
        ];
        match self {
            Self::Virtio => ("if=virtio,", &[]),
            Self::Ide => ("if=ide,", &[]),
            Self::Ahci => ("if=none,id=disk,", AHCI),
        }
    }
}

impl ReadError {
    /// For QEMU's `blkdebug` driver.
    fn rules(self) -> String {
        format!(
            "[inject-error]\nevent = \"read_aio\"\nerrno = \"5\"\nsector = \"{}\"\n",
            self.sector
        )
    }
}

/// In QEMU's option lists a comma in a value is written twice.
fn escape(path: &Path) -> OsString {
    path.to_string_lossy().replace(',', ",,").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(boot: Boot, folder: &Path) -> Vec<String> {
        let machine = Machine {
            qemu: "qemu-system-x86_64".into(),
            memory_mib: 256,
            processors: Processors::Count(2),
            counts_instructions: false,
            console: Console::default(),
            boot,
        };
        let command = machine
            .command(folder, Path::new("/tmp/a,b/report"))
            .unwrap();
        command
            .get_args()
            .map(|word| word.to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn the_ports_are_log_report_and_output_in_this_order() {
        let folder = tempfile::tempdir().unwrap();
        let words = words(
            Boot::Pvh {
                kernel: "k".into(),
                bundle: "b".into(),
            },
            folder.path(),
        );
        let ports: Vec<&str> = words
            .windows(2)
            .filter(|pair| pair[0] == "-chardev" || pair[0] == "-serial")
            .map(|pair| pair[1].as_str())
            .collect();
        assert_eq!(
            ports,
            [
                "file,path=/dev/stderr,id=log",
                "chardev:log",
                "file,path=/tmp/a,,b/report,id=report",
                "chardev:report",
                "file,path=/dev/stdout,id=output",
                "chardev:output",
                "file,path=/dev/stdout,id=fast-output",
                "file,path=/dev/stderr,id=fast-errors",
                "stdio,signal=off,id=input",
            ]
        );
        assert_eq!(words[words.len() - 4..], ["-kernel", "k", "-initrd", "b"]);
        for option in [["-m", "256M"], ["-smp", "2"]] {
            assert!(words.windows(2).any(|pair| pair == option));
        }
    }

    #[test]
    fn a_read_error_is_a_rule_of_blkdebug() {
        let folder = tempfile::tempdir().unwrap();
        let boot = |read_error| {
            Boot::Disk(Drive {
                read_error,
                ..Drive::new("/i.img")
            })
        };
        let plain = words(boot(None), folder.path());
        assert_eq!(plain.last().unwrap(), "if=virtio,format=raw,file=/i.img");
        let broken = words(boot(Some(ReadError { sector: 70 })), folder.path());
        assert!(
            broken
                .last()
                .unwrap()
                .ends_with(",file.image.filename=/i.img")
        );
        let rules = fs::read_to_string(folder.path().join("blkdebug.conf")).unwrap();
        assert!(rules.contains("sector = \"70\""));
    }

    #[test]
    fn a_drive_is_connected_as_asked() {
        let folder = tempfile::tempdir().unwrap();
        let last = |interface| {
            let drive = Drive {
                interface,
                ..Drive::new("/i.img")
            };
            words(Boot::Disk(drive), folder.path()).pop().unwrap()
        };
        assert_eq!(last(Interface::Ide), "if=ide,format=raw,file=/i.img");
        assert_eq!(
            last(Interface::Ahci),
            "if=none,id=disk,format=raw,file=/i.img"
        );
    }
}
