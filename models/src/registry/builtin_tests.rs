use std::fs;

use super::*;

const SPIKE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/builtin/artefacts");

/// SHA-256 of `abc` and of nothing.
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn manifest(entries: &[(&str, u64, &str)]) -> String {
    entries
        .iter()
        .map(|(file, bytes, sha256)| {
            format!("[[file]]\nfile = {file:?}\nrole = \"x\"\nbytes = {bytes}\nsha256 = {sha256:?}\n")
        })
        .collect()
}

fn small() -> Vec<(String, Vec<u8>)> {
    vec![
        (MANIFEST.into(), manifest(&[("stt/model.onnx", 3, ABC)]).into_bytes()),
        ("stt/model.onnx".into(), b"abc".into()),
    ]
}

fn unpack(cache: &Path, files: &[(String, Vec<u8>)]) -> Result<Builtin, Error> {
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    Builtin::unpack(cache, "key", &files)
}

#[test]
fn a_moved_binary_does_not_lose_its_models() {
    let cache = tempfile::tempdir().unwrap();
    let dir = unpack(cache.path(), &small()).unwrap().model("stt").unwrap();
    assert_eq!(fs::read(dir.join("model.onnx")).unwrap(), b"abc");
    let again = unpack(cache.path(), &small()).unwrap();
    assert_eq!(again.model("stt").unwrap(), dir);
}

#[test]
fn a_damaged_cache_is_not_used() {
    let cache = tempfile::tempdir().unwrap();
    let dir = unpack(cache.path(), &small()).unwrap().model("stt").unwrap();
    fs::write(dir.join("model.onnx"), "xyz").unwrap();
    unpack(cache.path(), &small()).unwrap();
    assert_eq!(fs::read(dir.join("model.onnx")).unwrap(), b"abc");
    fs::remove_file(dir.join("model.onnx")).unwrap();
    unpack(cache.path(), &small()).unwrap();
    assert_eq!(fs::read(dir.join("model.onnx")).unwrap(), b"abc");
}

#[test]
fn two_processes_do_not_break_each_others_unpacking() {
    let cache = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..8).map(|_| scope.spawn(|| unpack(cache.path(), &small()))).collect();
        for worker in workers {
            worker.join().unwrap().unwrap().model("stt").unwrap();
        }
    });
    let left: Vec<_> =
        fs::read_dir(cache.path().join("builtin")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["key"]);
}

#[test]
fn contents_that_do_not_match_the_manifest_are_not_unpacked() {
    let cache = tempfile::tempdir().unwrap();
    let mut files = small();
    files[1].1 = b"abd".into();
    assert_eq!(unpack(cache.path(), &files).unwrap_err().kind(), ErrorKind::Invalid);
    assert!(!cache.path().join("builtin/key").exists());
}

#[test]
fn a_manifest_that_leaves_its_directory_is_refused() {
    for path in ["../x", "/etc/passwd", "stt/../../x", "a\\b", ""] {
        let text = manifest(&[(path, 3, ABC)]);
        let error = read_manifest(&text, Path::new("m")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{path}");
    }
    assert!(read_manifest("file = 3", Path::new("m")).is_err());
    assert!(read_manifest(&manifest(&[("stt/x", 3, "short")]), Path::new("m")).is_err());
}

#[test]
fn a_part_that_is_not_there_is_not_empty_success() {
    let cache = tempfile::tempdir().unwrap();
    let error = unpack(cache.path(), &small()).unwrap().model("tts").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn the_spikes_models_are_not_refused() {
    let model = Path::new(SPIKE).join("stt.int8.onnx");
    if !model.is_file() {
        eprintln!("SKIPPED: {} is not there", model.display());
        return;
    }
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("stt")).unwrap();
    let mut pins = Vec::new();
    for (from, to) in [("stt.int8.onnx", "stt/model.onnx"), ("stt.tokens.txt", "stt/tokens.txt")] {
        let to_path = root.path().join(to);
        let bytes = fs::copy(Path::new(SPIKE).join(from), &to_path).unwrap();
        pins.push((to, bytes, duologue_fetch::sha256_file(&to_path).unwrap()));
    }
    let pins: Vec<_> = pins.iter().map(|(file, bytes, sum)| (*file, *bytes, sum.as_str())).collect();
    fs::write(root.path().join(MANIFEST), manifest(&pins)).unwrap();
    let found = Builtin::find(Some(root.path()), Path::new("/nonexistent")).unwrap();
    assert_eq!(found.model("stt").unwrap(), root.path().join("stt"));
}

#[test]
fn what_is_embedded_does_not_differ_from_its_manifest() {
    if embedded::FILES.is_empty() {
        eprintln!("SKIPPED: no built-in models are embedded");
        return;
    }
    let cache = tempfile::tempdir().unwrap();
    let found = Builtin::unpack(cache.path(), embedded::KEY, embedded::FILES).unwrap();
    for part in ["stt", "tts", "caller"] {
        found.model(part).unwrap();
    }
}
