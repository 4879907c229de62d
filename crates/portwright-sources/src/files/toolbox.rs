//! The kind's own tools, by the names of the reference server.

use super::roots::Folders;
use super::{change, edit, info, list, media, read, search, tree, write};
use crate::shared::own::{Does, OwnTool, Toolbox, tool};

/// All of them.
pub(super) fn toolbox() -> Toolbox<Folders> {
    Toolbox::closed(reading().into_iter().chain(writing()).collect())
}

fn reading() -> Vec<OwnTool<Folders>> {
    vec![
        tool("read_text_file", "Read a text file", "Read a text file, or a part of it by lines or bytes.", read::text)
            .in_set("read")
            .alias("read_file")
            .alias_with("read_file_lines", &[], &[])
            .alias_with("head_file", &[("lines", "head")], &[])
            .alias_with("tail_file", &[("lines", "tail")], &[])
            .arguments_also(&[("with_line_numbers", "line_numbers")]),
        tool("read_multiple_files", "Read several files", "Read several text files at once.", read::many)
            .in_set("read"),
        tool(
            "read_media_file",
            "Read an image or a sound",
            "Read an image, a sound or another binary file.",
            media::media,
        )
        .in_set("read"),
        tool("list_directory", "List a folder", "List a folder's entries with type, size and date.", list::list)
            .in_set("read")
            .alias("list_directory_with_sizes"),
        tool(
            "directory_tree",
            "Outline a folder",
            "Outline a folder and those below it. Use it first in a tree you do not know.",
            tree::tree,
        )
        .in_set("read")
        .arguments_also(&[("max_depth", "maxDepth"), ("exclude_patterns", "excludePatterns")]),
        tool("search_files", "Find files by name", "Find files and folders below a folder by name.", search::names)
            .in_set("read")
            .arguments_also(&[("exclude_patterns", "excludePatterns")]),
        tool(
            "search_files_content",
            "Find text in files",
            "Find lines in files below a folder that hold a text or fit a regular expression.",
            search::content,
        )
        .in_set("read")
        .alias_with("start_search", &[("filePattern", "pattern"), ("ignoreCase", "ignore_case")], &[])
        .arguments_also(&[("exclude_patterns", "excludePatterns")]),
        tool("get_file_info", "Look at a file", "Tell a file's type, size, dates, rights, encoding.", info::info)
            .in_set("read"),
        tool(
            "list_allowed_directories",
            "List the served folders",
            "List the folders that can be reached.",
            info::allowed,
        )
        .in_set("read"),
    ]
}

fn writing() -> Vec<OwnTool<Folders>> {
    vec![
        tool("write_file", "Write a file", "Write a text file: replace it, make it, or append.", write::write)
            .does(Does::Change)
            .in_set("write")
            .alias_with("append_file", &[], &[("mode", "append")]),
        tool(
            "edit_file",
            "Edit a file",
            "Replace exact texts in a text file; returns the difference. Fails if a text is missing or ambiguous.",
            edit::edit,
        )
        .does(Does::Change)
        .in_set("write"),
        tool("create_directory", "Make a folder", "Make a folder, and those above it.", change::create)
            .does(Does::Add)
            .in_set("write"),
        tool("move_file", "Move or rename", "Move or rename a file or folder.", change::relocate)
            .does(Does::Change)
            .in_set("write"),
        tool("copy_file", "Copy a file", "Copy a file.", change::copy).does(Does::Set).in_set("write"),
        tool("delete_file", "Delete", "Delete a file or folder for good.", change::delete)
            .does(Does::Set)
            .in_set("write"),
    ]
}
