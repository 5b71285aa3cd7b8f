//! New projects: a template with the name put in, and the SDK beside it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::embedded;
use crate::language::Language;
use crate::project::check_name;

/// Why a project was not made.
#[derive(Debug, thiserror::Error)]
pub enum NewError {
    #[error("{why}")]
    Name { why: String },
    #[error("{} exists; give another name, or another place with --dir", path.display())]
    Exists { path: PathBuf },
    #[error("this offerd was built without the SDK for {}", language.title())]
    NoSdk { language: Language },
    #[error("cannot make the project {}", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// Makes a project in `folder`, which must not exist: sources with a small
/// complete policy, its unit test, a README with the commands, and the SDK in
/// `sdk`. The folder appears when it is complete.
pub fn new_project(language: Language, name: &str, folder: &Path) -> Result<(), NewError> {
    check_name(name).map_err(|why| NewError::Name { why })?;
    let sdk = format!("sdk/{}", language.sdk());
    if embedded::below(&sdk).next().is_none() {
        return Err(NewError::NoSdk { language });
    }
    // Without a slash at the end, to which nothing could be added.
    let folder: &Path = &folder.components().collect::<PathBuf>();
    let failed = |source| NewError::File {
        path: folder.to_owned(),
        source,
    };
    if folder.symlink_metadata().is_ok() {
        return Err(NewError::Exists {
            path: folder.to_owned(),
        });
    }
    let mut part = folder.as_os_str().to_owned();
    part.push(format!(".{}.part", std::process::id()));
    let part = PathBuf::from(part);
    let made = fill(language, name, &part).and_then(|()| fs::rename(&part, folder));
    made.map_err(|source| {
        // The first error is the one to tell.
        drop(fs::remove_dir_all(&part));
        failed(source)
    })
}

fn fill(language: Language, name: &str, folder: &Path) -> io::Result<()> {
    for template in ["common", language.name()] {
        for (file, bytes) in embedded::below(&format!("templates/{template}")) {
            // Some names mean something to tools where the templates are kept.
            let file = file.strip_suffix(".in").unwrap_or(file);
            let file = match file {
                "gitignore" => ".gitignore",
                file => file,
            };
            let text = fill_in(&String::from_utf8_lossy(bytes), language, name);
            embedded::write(&folder.join(file), text.as_bytes())?;
        }
    }
    let sdk = folder.join("sdk");
    for (file, bytes) in embedded::below(&format!("sdk/{}", language.sdk())) {
        embedded::write(&sdk.join(file), bytes)?;
    }
    for (file, bytes) in embedded::below("wit") {
        embedded::write(&sdk.join("wit").join(file), bytes)?;
    }
    if language.sdk() == "js" {
        link_package(folder)?;
    }
    Ok(())
}

/// What `npm install` would do for the one dependency, which is in the project.
fn link_package(folder: &Path) -> io::Result<()> {
    let scope = folder.join("node_modules/@offerd");
    fs::create_dir_all(&scope)?;
    #[cfg(unix)]
    std::os::unix::fs::symlink("../../sdk", scope.join("sdk"))?;
    Ok(())
}

fn fill_in(text: &str, language: Language, name: &str) -> String {
    text.replace("{{name}}", name)
        .replace("{{module}}", &name.replace('-', "_"))
        .replace("{{type}}", &pascal(name))
        .replace("{{entry}}", language.entry())
        .replace("{{unit_tests}}", language.unit_tests())
        .replace("{{language}}", language.name())
        .replace("{{title}}", language.title())
}

/// `night-batch` is `NightBatch`.
fn pascal(name: &str) -> String {
    name.split('-')
        .flat_map(|word| {
            let mut letters = word.chars();
            let first = letters.next().map(|letter| letter.to_ascii_uppercase());
            first.into_iter().chain(letters)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::Project;

    #[test]
    fn a_project_can_be_opened_and_names_are_put_in() {
        let dir = tempfile::tempdir().unwrap();
        let mut made = 0;
        for language in Language::ALL {
            let folder = dir.path().join(language.name());
            match new_project(language, "night-batch", &folder) {
                Err(NewError::NoSdk { .. }) => continue,
                result => result.unwrap(),
            }
            made += 1;
            let project = Project::open(&folder).unwrap();
            assert_eq!(project.name, "night-batch");
            assert_eq!(project.language, language);
            assert!(project.wit.join("types.wit").is_file());
            for file in ["README.md", ".gitignore"] {
                let text = fs::read_to_string(folder.join(file)).unwrap();
                assert!(!text.contains("{{"), "{file}: {text}");
            }
        }
        let slash = dir.path().join("slash/");
        new_project(Language::C, "night-batch", &slash).unwrap();
        assert!(slash.join("policy.toml").is_file());
        fs::remove_dir_all(slash).unwrap();
        let left = fs::read_dir(dir.path()).unwrap().count();
        assert_eq!(left, made);
    }

    #[test]
    fn what_is_there_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let error = new_project(Language::Rust, "x", dir.path()).unwrap_err();
        assert!(error.to_string().contains("exists; give another name"));
        let error = new_project(Language::Rust, "No", &dir.path().join("n")).unwrap_err();
        assert!(error.to_string().starts_with("'No' cannot name a policy"));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn types_are_named_after_the_policy() {
        assert_eq!(pascal("night-batch-2"), "NightBatch2");
        assert_eq!(pascal("x"), "X");
    }
}
