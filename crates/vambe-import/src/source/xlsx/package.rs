//! A workbook as a package of parts: whether it is one, is whole, and can be held in memory.

use std::io::{Read, SeekFrom};

use memchr::memmem::Finder;
use memchr::memrchr;
use zip::ZipArchive;

use crate::source::{FileKind, SourceProblem};

use super::super::input::ReadSeek;
use super::super::sniff::OLE;

/// Unpacks every part once, and returns the size of the package.
///
/// So a workbook that is damaged, or that would unpack to more than memory can take, is
/// refused before its first row is handed out.
pub(super) fn examine(mut bytes: &mut dyn ReadSeek) -> Result<u64, SourceProblem> {
    let size =
        bytes.seek(SeekFrom::End(0)).and_then(|size| bytes.rewind().map(|()| size)).map_err(SourceProblem::Io)?;
    if begins_with(bytes, OLE)? {
        let kind = if holds(bytes, &utf16("EncryptedPackage"))? { FileKind::Protected } else { FileKind::OldWorkbook };
        return Err(SourceProblem::WrongKind(kind));
    }
    let mut archive = ZipArchive::new(&mut bytes).map_err(|_| SourceProblem::BrokenWorkbook)?;
    let names: Vec<String> = archive.file_names().filter_map(Result::ok).map(|name| name.to_lowercase()).collect();
    if let Some(kind) = other_kind(&names) {
        return Err(SourceProblem::WrongKind(kind));
    }
    let mut room = MAX_PACKAGE;
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(|_| SourceProblem::BrokenWorkbook)?;
        let name = part.name().map_err(|_| SourceProblem::BrokenWorkbook)?.to_lowercase();
        let is_sheet = name.contains("worksheets/");
        room = room.saturating_sub(examine_part(part, if is_sheet { room } else { room.min(MAX_PART) })?);
    }
    bytes.rewind().map_err(SourceProblem::Io)?;
    Ok(size)
}

fn other_kind(names: &[String]) -> Option<FileKind> {
    let has = |end: &str| names.iter().any(|name| name.ends_with(end));
    match () {
        () if has("workbook.bin") => Some(FileKind::BinaryWorkbook),
        () if has("workbook.xml") && has("[content_types].xml") => None,
        () if has("content.xml") && has("mimetype") => Some(FileKind::OpenDocument),
        () => Some(FileKind::Archive),
    }
}

/// All parts together: a sheet with every row that there can be, and fifty columns, has half of that.
const MAX_PACKAGE: u64 = 4 * 1024 * 1024 * 1024;

/// A part that is held in memory, such as the shared texts.
const MAX_PART: u64 = 256 * 1024 * 1024;

/// What is read in one piece: a text, or a tag with its attributes.
const MAX_PIECE: usize = 16 * 1024 * 1024;

fn examine_part(mut part: impl Read, bound: u64) -> Result<u64, SourceProblem> {
    let mut window = vec![0; OVERLAP + WINDOW];
    let (mut size, mut piece, mut announced) = (0, 0, 0);
    loop {
        let read = part.read(&mut window[OVERLAP..]).map_err(|_| SourceProblem::BrokenWorkbook)?;
        if read == 0 {
            break;
        }
        size += read as u64;
        let unpacked = &window[OVERLAP..OVERLAP + read];
        piece = memrchr(b'<', unpacked).map_or(piece + read, |last| read - last);
        announced = announced.max(announced_texts(&window[..OVERLAP + read]));
        if size > bound || piece > MAX_PIECE {
            return Err(SourceProblem::WorkbookTooLarge("unpacked"));
        }
        window.copy_within(read..read + OVERLAP, 0);
    }
    // The reader makes room for as many texts as are announced; each takes five bytes at least.
    if announced > size / 5 { Err(SourceProblem::BrokenWorkbook) } else { Ok(size) }
}

const WINDOW: usize = 64 * 1024;
const OVERLAP: usize = 64;

/// Returns the number in `<sst uniqueCount="12">`, with which the shared texts begin.
fn announced_texts(piece: &[u8]) -> u64 {
    let Some(at) = Finder::new("uniqueCount=").find(piece) else { return 0 };
    let number = piece[at..].iter().skip_while(|byte| !byte.is_ascii_digit()).take_while(|byte| byte.is_ascii_digit());
    number.fold(0, |number: u64, digit| number.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
}

fn begins_with(bytes: &mut dyn ReadSeek, start: &[u8]) -> Result<bool, SourceProblem> {
    let mut found = Vec::new();
    bytes.take(start.len() as u64).read_to_end(&mut found).map_err(SourceProblem::Io)?;
    bytes.rewind().map_err(SourceProblem::Io)?;
    Ok(found == start)
}

fn holds(bytes: &mut dyn ReadSeek, wanted: &[u8]) -> Result<bool, SourceProblem> {
    let finder = Finder::new(wanted);
    let (mut window, mut piece) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        let read = bytes.read(&mut piece).map_err(SourceProblem::Io)?;
        window.extend_from_slice(&piece[..read]);
        if read == 0 || finder.find(&window).is_some() {
            return Ok(finder.find(&window).is_some());
        }
        window.drain(..window.len().saturating_sub(wanted.len()));
    }
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_bounded_by_what_it_unpacks_to_not_by_what_it_says() {
        let part = |byte: u8, length: u64| examine_part(std::io::repeat(byte).take(length), 20 * 1024 * 1024).ok();
        assert_eq!(part(b'<', 20 * 1024 * 1024), Some(20 * 1024 * 1024));
        assert_eq!(part(b'<', 20 * 1024 * 1024 + 1), None);
        assert_eq!(part(b'x', 16 * 1024 * 1024), Some(16 * 1024 * 1024));
        assert_eq!(part(b'x', 16 * 1024 * 1024 + 1), None);
    }

    #[test]
    fn room_for_texts_that_are_not_there_is_never_made() {
        // Wherever the tag is cut in two by the end of a piece.
        for shift in 0..40 {
            let part = |count: &str| format!("{}<sst uniqueCount=\"{count}\"/>", " ".repeat(WINDOW - shift));
            let is_fine = |count| examine_part(part(count).as_bytes(), u64::MAX).is_ok();
            assert!(
                is_fine("12") && is_fine("") && !is_fine("99999") && !is_fine("99999999999999999999999"),
                "{shift}"
            );
        }
    }
}
