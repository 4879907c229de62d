//! Paths at a folder: whatever they say, nothing beside it is read, listed, made, changed or taken away.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use portwright_core::protocol::JsonObject;
use portwright_core::{Context, Source, SourceSpec, TransportKind};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// Stands beside the folder, in names and in contents.
const JEWELS: &str = "the crown jewels";

/// Inputs after which the folder is made anew: it is not to fill up.
const INPUTS_OF_ONE: u32 = 500;

struct Place {
    temp: PathBuf,
    runtime: Runtime,
    source: Arc<dyn Source>,
    beside: BTreeMap<PathBuf, Vec<u8>>,
    inputs: u32,
}

thread_local! {
    static PLACE: RefCell<Option<Place>> = const { RefCell::new(None) };
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.temp);
    }
}

impl Place {
    fn new() -> Self {
        let temp = std::env::temp_dir().join(format!("portwright-fuzz-files-{}", std::process::id()));
        let _ = fs::remove_dir_all(&temp);
        let top = temp.join("top");
        fs::create_dir_all(top.join("sub/deep")).expect("folders");
        fs::create_dir_all(temp.join("top-evil")).expect("a folder");
        for name in ["secret.txt", "top-evil/secret.txt"] {
            fs::write(temp.join(name), JEWELS).expect("a file");
        }
        fs::write(top.join("a.txt"), "one\ntwo\n").expect("a file");
        fs::write(top.join("sub/b.txt"), "three\n").expect("a file");
        for (to, name) in [("..", "up"), ("../secret.txt", "out"), ("../../top-evil", "sub/evil"), ("a.txt", "in")] {
            symlink(to, top.join(name)).expect("a link");
        }
        symlink(&temp, top.join("absolute")).expect("a link");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let table = json!({"roots": [top], "access": "read-write", "tools": ["*"]});
        let Value::Object(table) = table else { unreachable!() };
        let (tools, resources) = (Vec::new(), Vec::new());
        let spec = SourceSpec { name: "docs".into(), table, tools, resources, base: temp.clone() };
        let kind = portwright_sources::KINDS.iter().find(|kind| kind.name() == "files").expect("the kind");
        let config = kind.decode(spec).unwrap_or_else(|problems| panic!("{problems:?}"));
        let source = runtime.block_on(config.connect()).unwrap_or_else(|error| panic!("{error:?}"));
        let beside = beside(&temp);
        Self { temp, runtime, source, beside, inputs: 0 }
    }

    fn call(&self, tool: &str, arguments: Value) {
        let arguments: JsonObject = arguments.as_object().cloned().unwrap_or_default();
        let cx = Context::new("fuzz", TransportKind::InProcess);
        let result = self.runtime.block_on(self.source.call(tool, &arguments, &cx));
        let told = match &result {
            Ok(result) => serde_json::to_string(result).unwrap_or_default(),
            Err(refusal) => refusal.public().to_string(),
        };
        assert!(!told.contains(JEWELS), "{tool} {arguments:?} told {told}");
    }
}

/// Everything that is not in the folder.
fn beside(temp: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut open = vec![temp.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("it is there").flatten() {
            let path = entry.path();
            match entry.file_type() {
                _ if path == temp.join("top") => {}
                Ok(kind) if kind.is_dir() => {
                    all.insert(path.clone(), Vec::new());
                    open.push(path);
                }
                _ => {
                    let held = fs::read(&path).unwrap_or_default();
                    all.insert(path, held);
                }
            }
        }
    }
    all
}

/// Hands two paths and a text to each kind of tool.
pub fn reach(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut lines = text.splitn(4, '\n');
    let mut next = || lines.next().unwrap_or_default();
    let (tool, first, second, content) = (next(), next(), next(), next());
    PLACE.with_borrow_mut(|place| {
        if place.as_ref().is_none_or(|place| place.inputs >= INPUTS_OF_ONE) {
            place.take();
            *place = Some(Place::new());
        }
        let Some(place) = place else { return };
        place.inputs += 1;
        // As written, and from the folder's own place.
        let whole = format!("{}/top/{first}", place.temp.display());
        for path in [first, &whole] {
            match tool.bytes().next().unwrap_or_default() % 8 {
                0 => place.call("read_text_file", json!({"path": path})),
                1 => place.call("list_directory", json!({"path": path})),
                2 => place.call("write_file", json!({"path": path, "content": content})),
                3 => place.call("create_directory", json!({"path": path})),
                4 => place.call("move_file", json!({"source": path, "destination": second})),
                5 => place.call("edit_file", json!({"path": path, "edits": [{"oldText": "one", "newText": content}]})),
                6 => place.call("search_files_content", json!({"path": path, "query": second})),
                _ => place.call("get_file_info", json!({"path": path})),
            }
        }
        let now = beside(&place.temp);
        assert_eq!(now, place.beside, "{tool:?} {first:?} {second:?} changed what lies beside");
    });
}
