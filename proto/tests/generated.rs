//! The committed generated code is what the .proto files give. With
//! OFFERD_BLESS=1 (`cargo xtask bless`) it is written anew instead.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

const FILES: [&str; 9] = [
    "mesos/v1/mesos.proto",
    "mesos/v1/agent/agent.proto",
    "mesos/v1/allocator/allocator.proto",
    "mesos/v1/executor/executor.proto",
    "mesos/v1/maintenance/maintenance.proto",
    "mesos/v1/master/master.proto",
    "mesos/v1/quota/quota.proto",
    "mesos/v1/resource_provider/resource_provider.proto",
    "mesos/v1/scheduler/scheduler.proto",
];

fn read(dir: &Path) -> Result<BTreeMap<String, Vec<u8>>, Box<dyn Error>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        files.insert(
            entry.file_name().to_string_lossy().into_owned(),
            fs::read(entry.path())?,
        );
    }
    Ok(files)
}

#[test]
fn generated_code_is_fresh() -> Result<(), Box<dyn Error>> {
    let bless = std::env::var_os("OFFERD_BLESS").is_some();
    assert!(
        !bless || std::env::var_os("OFFERD_CI").is_none(),
        "in CI generated code is compared; OFFERD_BLESS must not write it anew"
    );
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = tempfile::tempdir()?;
    let mut compiler = protox::Compiler::new([root])?;
    compiler.include_imports(true).open_files(FILES)?;
    let descriptors = compiler.file_descriptor_set();
    // The one for reflection goes without comments and positions: it is small.
    let mut small = protox::Compiler::new([root])?;
    small
        .include_imports(true)
        .include_source_info(false)
        .open_files(FILES)?;
    fs::write(
        out.path().join("descriptors.bin"),
        small.encode_file_descriptor_set(),
    )?;
    let mut config = prost_build::Config::new();
    config
        .out_dir(out.path())
        .include_file("mod.rs")
        // May be as large as a record; it is not copied out of it.
        .bytes([".mesos.v1.scheduler.Event.Message.data"])
        .disable_comments(["."]);
    config.compile_fds(descriptors)?;

    let target = root.join("src/gen");
    let fresh = read(out.path())?;
    if bless {
        for (name, bytes) in &fresh {
            fs::write(target.join(name), bytes)?;
        }
        return Ok(());
    }
    let committed = read(&target)?;
    assert!(
        fresh.keys().eq(committed.keys()) && fresh == committed,
        "src/gen is not what the .proto files give; run `cargo xtask bless` and commit the result"
    );
    Ok(())
}
