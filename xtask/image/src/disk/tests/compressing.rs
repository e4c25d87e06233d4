use super::shrinking::booted_with;
use super::*;

use bareflow_boot_layout::clusters::Table;
use bareflow_pager::contents;

fn compressed() -> ImageOptions<'static> {
    ImageOptions {
        llvm: Storage::Compressed,
        ..ImageSize::Bytes(64 << 20).into()
    }
}

fn llvm_start(header: &KernelHeader) -> usize {
    (BOOT_PARTITION_SECTOR + header.llvm_sector()) as usize * SECTOR_SIZE_BYTES
}

#[test]
fn a_compressed_image_has_the_same_pages_in_fewer_sectors() {
    let [plain, packed] = [(64_u64 << 20).into(), compressed()].map(|options| {
        let made = make(options).unwrap();
        let image = ImageFile::open(&made.image).unwrap();
        (made, image)
    });
    let [plain_header, header] = [plain.1.header, packed.1.header];
    assert_eq!(plain_header.llvm_extent().storage(), Storage::Plain);
    assert_eq!(header.llvm_extent().storage(), Storage::Compressed);
    assert_eq!((plain_header.llvm_sectors, header.llvm_sectors), (32, 1));
    assert_eq!(packed.1.llvm_bytes(), 512);
    assert_eq!(
        KernelHeader {
            llvm_table_checksum: plain_header.llvm_table_checksum,
            llvm_sectors: plain_header.llvm_sectors,
            llvm_checksum: plain_header.llvm_checksum,
            ..header
        },
        plain_header
    );
    let [plain, packed] = [plain.1, packed.1].map(|image| {
        let llvm = image.llvm().unwrap();
        let pages = llvm.iter().map(|(number, bytes)| (number, bytes.to_vec()));
        (image.stored_pages().unwrap(), pages.collect::<Vec<_>>())
    });
    assert!(plain == packed);
    assert_eq!(plain.1.len(), 4);
}

#[test]
fn the_kernel_finds_each_cluster_by_the_table() {
    let made = make(compressed()).unwrap();
    let bytes = fs::read(&made.image).unwrap();
    let header = ImageFile::open(&made.image).unwrap().header;
    let start = llvm_start(&header);
    let table = &bytes[start - header.llvm_table_sectors as usize * SECTOR_SIZE_BYTES..start];
    let table = Table::open(table, header.llvm_extent()).unwrap();
    let place = table.place(0..1).unwrap();
    let stored = &bytes[start..][place];
    assert_eq!(table.checksum(0), Some(Checksum::of(stored)));
    let mut buffer = [0; clusters::SIZE_BYTES];
    let pages = contents(stored, table.extent().size_bytes(0), &mut buffer).unwrap();
    assert!(pages.starts_with(LLVM) && pages.len() == 0x4000);
}

/// Bytes of which none says anything of the next.
fn noise(size_bytes: usize) -> Vec<u8> {
    let mut state = 1_u64;
    (0..size_bytes)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}

#[test]
fn what_does_not_get_smaller_is_stored_as_it_is() {
    let page = clusters::PAGE_SIZE_BYTES;
    let part = |pages: &[u8], storage| {
        let mut header = ImageFile::open(&make(64_u64 << 20).unwrap().image)
            .unwrap()
            .header;
        let count = (pages.len() / page) as u32;
        let part = LlvmPart::new(pages.to_vec(), None, count, storage).unwrap();
        part.describe(&mut header);
        header
    };
    let noise = noise(clusters::SIZE_BYTES);
    let header = part(&noise, Storage::Compressed);
    assert_eq!(header.llvm_extent().storage(), Storage::Plain);
    assert_eq!(header, part(&noise, Storage::Plain));

    // One cluster gets smaller and one does not.
    let mixed = [&noise[..], &vec![0; clusters::SIZE_BYTES]].concat();
    let header = part(&mixed, Storage::Compressed);
    assert_eq!(header.llvm_extent().storage(), Storage::Compressed);
    assert_eq!(header.llvm_sectors, 32 + 1);
}

#[test]
fn a_compressed_image_shrinks_to_a_compressed_one() {
    let made = booted_with(compressed());
    let source = ImageFile::open(&made.image).unwrap();
    let path = made.image.with_extension("used");
    let shrunk = shrink(&source, &path, Snapshots::Kept).unwrap();
    assert_eq!((shrunk.bytes, shrunk.kept_bytes), (5 * 4096, 3 * 4096));
    let image = ImageFile::open(&path).unwrap();
    assert_eq!(image.header.llvm_extent().storage(), Storage::Compressed);
    assert!(image.llvm_bytes() < shrunk.kept_bytes);
    let llvm = image.llvm().unwrap();
    let pages: Vec<usize> = llvm.iter().map(|(number, _)| number).collect();
    assert_eq!(pages, [0, 1, 4]);
    assert!(
        llvm.iter()
            .take(2)
            .all(|(_, contents)| contents == [0x90; 4096])
    );
}

#[test]
fn a_damaged_compressed_image_is_refused() {
    let made = make(compressed()).unwrap();
    let mut bytes = fs::read(&made.image).unwrap();
    let start = llvm_start(&ImageFile::open(&made.image).unwrap().header);
    bytes[start + 5] ^= 1;
    fs::write(&made.image, bytes).unwrap();
    let refused = ImageFile::open(&made.image).unwrap().llvm().unwrap_err();
    assert!(refused.to_string().contains("LLVM is damaged"), "{refused}");
}
