//! What must hold for the workflows of continuous integration and for the action that they use.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use bareflow_build::paths::repository;

/// The action, and every workflow.
fn files() -> Vec<PathBuf> {
    let mut files = vec![repository().join("ci/action.yml")];
    for entry in fs::read_dir(repository().join(".github/workflows")).unwrap() {
        files.push(entry.unwrap().path());
    }
    assert!(files.len() > 2, "the workflows are elsewhere: {files:?}");
    files
}

/// A step, and how messages name it.
struct Step {
    name: String,
    value: Value,
}

impl Step {
    fn text(&self, key: &str) -> &str {
        self.value[key].as_str().unwrap_or_default()
    }
}

fn parse(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The steps of a workflow's jobs, or of an action.
fn steps(path: &Path) -> Vec<Step> {
    let document = parse(path);
    let of_action = document["runs"]["steps"].as_array();
    let of_jobs = document["jobs"].as_object();
    let steps: Vec<Step> = of_jobs
        .into_iter()
        .flat_map(|jobs| jobs.values())
        .filter_map(|job| job["steps"].as_array())
        .chain(of_action)
        .flatten()
        .enumerate()
        .map(|(index, value)| Step {
            name: format!("{}: step {}", path.display(), index + 1),
            value: value.clone(),
        })
        .collect();
    assert!(!steps.is_empty(), "{} has no steps", path.display());
    steps
}

fn all_steps() -> Vec<Step> {
    files().iter().flat_map(|path| steps(path)).collect()
}

/// Why an action's name may be another one tomorrow.
fn unpinned(uses: &str) -> bool {
    let is_commit = |version: &str| {
        version.len() == 40
            && version
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    !uses.starts_with("./")
        && !uses
            .split_once('@')
            .is_some_and(|(_, version)| is_commit(version))
}

#[test]
fn actions_are_pinned_by_commit_with_their_version_beside_it() {
    assert!(unpinned("actions/checkout@v4") && unpinned("a/b@main") && unpinned("a/b"));
    for step in all_steps() {
        let uses = step.text("uses");
        assert!(uses.is_empty() || !unpinned(uses), "{}: {uses}", step.name);
    }
    for path in files() {
        let text = fs::read_to_string(&path).unwrap();
        for line in text.lines().filter(|line| line.contains("uses: ")) {
            let is_own = line.contains("uses: ./");
            assert!(
                is_own || line.contains(" # v"),
                "{}: {line}",
                path.display()
            );
        }
    }
}

/// Whether a script passes the output of a command on to another command, which hides that it failed.
fn hides_failures(script: &str) -> bool {
    script.lines().any(|line| {
        let line = line.trim();
        ["echo ", "printf "]
            .iter()
            .any(|word| line.starts_with(word))
            && line.contains("$(")
    })
}

#[test]
fn no_script_hides_a_failure() {
    assert!(hides_failures(
        "echo \"key=$(cargo xtask llvm --print-key)\" >> x"
    ));
    for step in all_steps() {
        let script = step.text("run");
        assert!(!hides_failures(script), "{}: {script}", step.name);
        // Elsewhere the shell may be one that goes on after a command has failed.
        if step.name.contains("ci/action.yml") && !script.is_empty() {
            assert_eq!(step.text("shell"), "bash", "{}", step.name);
        }
    }
}

#[test]
fn the_folder_of_the_cache_is_never_empty() {
    for step in all_steps() {
        let path = step.value["with"]["path"].as_str().unwrap_or_default();
        assert!(!path.contains("env."), "{}: {path}", step.name);
    }
}

#[test]
fn archives_are_kept_and_not_their_folders() {
    for step in all_steps() {
        let path = step.value["with"]["path"].as_str().unwrap_or_default();
        for line in path.lines().filter(|line| line.contains("/dist")) {
            assert!(line.ends_with("/dist/*.tar.zst*"), "{}: {line}", step.name);
        }
    }
}

#[test]
fn what_was_compiled_survives_a_cancelled_run() {
    let steps = all_steps();
    let kept = |step: &&Step| step.text("uses").starts_with("actions/cache/save@");
    let saved: Vec<&Step> = steps.iter().filter(kept).collect();
    for part in ["ccache", "build"] {
        let is_part = |step: &&&Step| {
            let path = step.value["with"]["path"].as_str().unwrap_or_default();
            path.lines().any(|line| line.ends_with(&format!("/{part}")))
        };
        let step = saved
            .iter()
            .find(is_part)
            .unwrap_or_else(|| panic!("{part} is not kept"));
        assert!(step.text("if").contains("always()"), "{}", step.name);
        // A key that there is already is not written again.
        let key = step.value["with"]["key"].as_str().unwrap();
        assert!(key.contains("github.run_id"), "{}: {key}", step.name);
        assert!(key.contains("github.run_attempt"), "{}: {key}", step.name);
        let beginning = key.split("${{ github.run_id").next().unwrap();
        let restored = steps.iter().any(|step| {
            step.text("uses").starts_with("actions/cache/restore@")
                && step.value["with"]["restore-keys"].as_str() == Some(beginning)
        });
        assert!(restored, "nobody restores {beginning}");
    }
}

#[test]
fn what_is_saved_is_restored_from_the_same_places() {
    // The paths are part of what a cache is found by.
    let steps = all_steps();
    let with = |kind: &str| -> Vec<(String, String)> {
        let of_kind = |step: &&Step| {
            step.text("uses")
                .starts_with(&format!("actions/cache/{kind}@"))
        };
        let mut found: Vec<_> = steps
            .iter()
            .filter(of_kind)
            .map(|step| {
                let text = |key: &str| step.value["with"][key].as_str().unwrap().to_owned();
                (text("key"), text("path"))
            })
            .collect();
        found.sort();
        found
    };
    assert!(!with("save").is_empty());
    assert_eq!(with("save"), with("restore"));
}

#[test]
fn a_state_of_main_is_not_cancelled() {
    let ci = parse(&repository().join(".github/workflows/ci.yml"));
    let cancel = &ci["concurrency"]["cancel-in-progress"];
    assert_eq!(
        cancel.as_str(),
        Some("${{ github.event_name == 'pull_request' }}")
    );
}

#[test]
fn permissions_are_those_that_are_needed() {
    for path in files().iter().skip(1) {
        let workflow = parse(path);
        let permissions = workflow["permissions"].as_object();
        let permissions = permissions.unwrap_or_else(|| panic!("{} has all", path.display()));
        assert_eq!(permissions.len(), 1, "{}", path.display());
        assert_eq!(permissions["contents"], "read", "{}", path.display());
        for (name, job) in workflow["jobs"].as_object().unwrap() {
            assert!(job["timeout-minutes"].is_u64(), "{name} may run for hours");
            let writes = job["permissions"]
                .as_object()
                .is_some_and(|of_job| of_job.values().any(|value| value == "write"));
            let runs_the_build = job["steps"].as_array().unwrap().iter().any(|step| {
                let text = |key: &str| step[key].as_str().unwrap_or_default();
                text("run").contains("cargo ") || text("uses").starts_with("./")
            });
            assert!(!(writes && runs_the_build), "{name} builds and may write");
        }
    }
}

#[test]
fn releases_are_attested_and_published() {
    let release = steps(&repository().join(".github/workflows/release.yml"));
    let has = |text: &str| {
        release
            .iter()
            .any(|step| step.text("uses").starts_with(text) || step.text("run").contains(text))
    };
    for part in [
        "cargo xtask release",
        "sha256sum --check",
        "actions/attest-build-provenance@",
        "gh release create",
    ] {
        assert!(has(part), "there is no {part}");
    }
}
