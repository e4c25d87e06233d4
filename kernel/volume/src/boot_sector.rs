//! The boot sector of a volume: where everything is (Microsoft, "FAT: General Overview of On-Disk Format", 1.03,
//! "Boot Sector and BPB").

use core::fmt;

use crate::device::SECTOR_SIZE_BYTES;

const SIGNATURE_OFFSET: usize = 510;
const SIGNATURE: [u8; 2] = [0x55, 0xaa];
/// A volume with fewer clusters is FAT12, one with more FAT32, whatever else its boot sector says.
const CLUSTER_COUNTS: core::ops::RangeInclusive<u64> = 4085..=65_524;
/// The size of an entry of a folder.
pub(crate) const SLOT_SIZE_BYTES: usize = 32;
pub(crate) const SLOTS_PER_SECTOR: usize = SECTOR_SIZE_BYTES / SLOT_SIZE_BYTES;
/// The first cluster's number.
pub(crate) const FIRST_CLUSTER: u16 = 2;

/// Why a boot sector is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootSectorError {
    /// No signature, or no jump at its start: not a FAT volume.
    NotFat,
    /// Too few clusters for FAT16.
    Fat12,
    /// Too many clusters for FAT16, or the boot sector of FAT32.
    Fat32,
    /// Sectors are not of 512 bytes.
    SectorSize(u16),
    /// A field has no possible value.
    Field(&'static str),
    /// The volume is larger than its partition; both in sectors.
    LargerThanDevice(u64, u64),
}

impl fmt::Display for BootSectorError {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::NotFat => formatter.write_str("it has no FAT boot sector"),
            Self::Fat12 => formatter.write_str("it is FAT12, not FAT16"),
            Self::Fat32 => formatter.write_str("it is FAT32, not FAT16"),
            Self::SectorSize(size) => write!(formatter, "its sectors have {size} bytes, not 512"),
            Self::Field(name) => write!(formatter, "its boot sector has a bad {name}"),
            Self::LargerThanDevice(volume, device) => write!(
                formatter,
                "it has {volume} sectors, its partition only {device}"
            ),
        }
    }
}

impl core::error::Error for BootSectorError {}

/// Where everything is, in sectors of the volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub(crate) sectors_per_cluster: u64,
    pub(crate) cluster_count: u16,
    pub(crate) table_start: u64,
    /// How many copies of the allocation table there are: 1 or 2.
    pub(crate) table_count: u64,
    /// Sectors of one copy.
    pub(crate) table_sectors: u64,
    pub(crate) root_start: u64,
    pub(crate) root_sectors: u64,
    pub(crate) media: u8,
}

impl Geometry {
    pub(crate) fn parse(
        sector: &[u8; SECTOR_SIZE_BYTES],
        device_sectors: u64,
    ) -> Result<Self, BootSectorError> {
        let word = |offset: usize| u16::from_le_bytes([sector[offset], sector[offset + 1]]);
        let is_jump = (sector[0] == 0xeb && sector[2] == 0x90) || sector[0] == 0xe9;
        if sector[SIGNATURE_OFFSET..] != SIGNATURE || !is_jump {
            return Err(BootSectorError::NotFat);
        }
        if usize::from(word(11)) != SECTOR_SIZE_BYTES {
            return Err(BootSectorError::SectorSize(word(11)));
        }
        let sectors_per_cluster = u64::from(sector[13]);
        if !sectors_per_cluster.is_power_of_two() {
            return Err(BootSectorError::Field("cluster size"));
        }
        let table_start = u64::from(word(14));
        if table_start == 0 {
            return Err(BootSectorError::Field("number of reserved sectors"));
        }
        let table_count = u64::from(sector[16]);
        if !(1..=2).contains(&table_count) {
            return Err(BootSectorError::Field("number of allocation tables"));
        }
        let table_sectors = u64::from(word(22));
        let root_slots = usize::from(word(17));
        if table_sectors == 0 || root_slots == 0 {
            return Err(BootSectorError::Fat32);
        }
        if !root_slots.is_multiple_of(SLOTS_PER_SECTOR) {
            return Err(BootSectorError::Field("size of the root folder"));
        }
        let total = match word(19) {
            0 => u64::from(word(32)) | u64::from(word(34)) << 16,
            small => u64::from(small),
        };
        let media = sector[21];
        if media != 0xf0 && media < 0xf8 {
            return Err(BootSectorError::Field("media byte"));
        }
        let root_start = table_start + table_count * table_sectors;
        let root_sectors = (root_slots / SLOTS_PER_SECTOR) as u64;
        let Some(data_sectors) = total.checked_sub(root_start + root_sectors) else {
            return Err(BootSectorError::Field("number of sectors"));
        };
        if total > device_sectors {
            return Err(BootSectorError::LargerThanDevice(total, device_sectors));
        }
        let cluster_count = data_sectors / sectors_per_cluster;
        if cluster_count < *CLUSTER_COUNTS.start() {
            return Err(BootSectorError::Fat12);
        }
        if cluster_count > *CLUSTER_COUNTS.end() {
            return Err(BootSectorError::Fat32);
        }
        let geometry = Self {
            sectors_per_cluster,
            cluster_count: cluster_count as u16,
            table_start,
            table_count,
            table_sectors,
            root_start,
            root_sectors,
            media,
        };
        if geometry.used_table_sectors() > table_sectors {
            return Err(BootSectorError::Field("size of the allocation table"));
        }
        Ok(geometry)
    }

    pub(crate) fn cluster_size_bytes(&self) -> usize {
        self.sectors_per_cluster as usize * SECTOR_SIZE_BYTES
    }

    /// How many numbers the allocation table needs: those of the clusters, and two without cluster.
    pub(crate) fn table_entries(&self) -> usize {
        usize::from(self.cluster_count) + usize::from(FIRST_CLUSTER)
    }

    /// How many sectors of a copy of the table mean something.
    pub(crate) fn used_table_sectors(&self) -> u64 {
        (self.table_entries() * 2).div_ceil(SECTOR_SIZE_BYTES) as u64
    }

    pub(crate) fn is_cluster(&self, number: u16) -> bool {
        (FIRST_CLUSTER..FIRST_CLUSTER + self.cluster_count).contains(&number)
    }

    /// The first sector of a cluster.
    pub(crate) fn sector_of(&self, cluster: u16) -> u64 {
        let index = u64::from(cluster - FIRST_CLUSTER);
        self.root_start + self.root_sectors + index * self.sectors_per_cluster
    }
}
