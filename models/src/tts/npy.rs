//! Reading one `.npy` array of a voice: its header, then little-endian `f32` rows of one width.
//!
//! Only what a voice table needs: format versions 1 to 3, `<f4`, C order, shape `[rows, 1, width]` or
//! `[rows, width]`. Everything else is refused in words; nothing is trusted before it is checked.

const MAGIC: &[u8] = b"\x93NUMPY";

/// The rows of a voice in `.npy` bytes, at most `most` of `width` values each, as one flat vector.
pub(super) fn rows(bytes: &[u8], width: usize, most: usize) -> Result<Vec<f32>, String> {
    let rest = bytes.strip_prefix(MAGIC).ok_or("not a .npy array")?;
    let (&[major, _minor], rest) = rest.split_first_chunk().ok_or("cut off inside its .npy header")?;
    let (length, rest) = match major {
        1 => rest.split_first_chunk().map(|(n, rest)| (u16::from_le_bytes(*n) as usize, rest)),
        2 | 3 => rest.split_first_chunk().map(|(n, rest)| (u32::from_le_bytes(*n) as usize, rest)),
        _ => return Err(format!("a .npy array of format {major}, where 1 to 3 are known")),
    }
    .ok_or("cut off inside its .npy header")?;
    let (header, data) = rest.split_at_checked(length).ok_or("cut off inside its .npy header")?;
    let rows = shape(&String::from_utf8_lossy(header), width, most)?;
    if data.len() != rows * width * 4 {
        return Err(format!("cut off: {} bytes of {rows} rows, {} expected", data.len(), rows * width * 4));
    }
    Ok(floats(data))
}

/// Little-endian `f32`s; a remainder of fewer than four bytes is left out.
pub(super) fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
}

/// The number of rows, out of a header such as
/// `{'descr': '<f4', 'fortran_order': False, 'shape': (510, 1, 256), }`.
fn shape(header: &str, width: usize, most: usize) -> Result<usize, String> {
    let refuse = || format!("an array {}, where float32 [rows, 1, {width}] belongs", header.trim());
    let value = |key: &str| header.split_once(&format!("'{key}':")).map(|(_, value)| value.trim_start());
    let plain = value("descr").is_some_and(|v| v.starts_with("'<f4'"))
        && value("fortran_order").is_some_and(|v| v.starts_with("False"));
    let dims = value("shape").and_then(|v| v.strip_prefix('(')?.split_once(')')).ok_or_else(refuse)?.0;
    let dims: Result<Vec<usize>, _> =
        dims.split(',').map(str::trim).filter(|d| !d.is_empty()).map(str::parse).collect();
    match dims.map_err(|_| refuse())?[..] {
        [rows, 1, of] | [rows, of] if of == width && plain && (1..=most).contains(&rows) => Ok(rows),
        _ => Err(refuse()),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const WIDTH: usize = 256;

    /// A `.npy` file, as numpy writes it.
    pub(crate) fn npy(descr: &str, shape: &str, data: &[f32]) -> Vec<u8> {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let mut bytes = MAGIC.to_vec();
        bytes.extend([1, 0]);
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data.iter().flat_map(|v| v.to_le_bytes()));
        bytes
    }

    #[test]
    fn an_array_of_another_kind_is_not_read_as_a_voice() {
        let data = vec![0.5; 2 * WIDTH];
        assert_eq!(rows(&npy("<f4", "(2, 1, 256)", &data), WIDTH, 4096).unwrap(), data);
        assert_eq!(rows(&npy("<f4", "(2, 256)", &data), WIDTH, 4096).unwrap(), data);
        for (descr, shape) in [
            ("<f8", "(2, 1, 256)"),
            (">f4", "(2, 1, 256)"),
            ("<f4", "(1, 2, 256)"),
            ("<f4", "(512,)"),
            ("<f4", "(0, 256)"),
            ("<f4", "(99999999999999999999, 256)"),
            ("<f4", "(18446744073709551615, 256)"),
            ("<f4", "(3, 256)"),
            ("<f4", ""),
        ] {
            assert!(rows(&npy(descr, shape, &data), WIDTH, 4096).is_err(), "{descr} {shape}");
        }
    }

    #[test]
    fn a_cut_off_array_does_not_panic() {
        let whole = npy("<f4", "(1, 256)", &[1.0; WIDTH]);
        for length in 0..whole.len() {
            assert!(rows(&whole[..length], WIDTH, 4096).is_err(), "{length}");
        }
    }
}
