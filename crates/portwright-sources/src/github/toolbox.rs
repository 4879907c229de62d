//! The kind's own tools, by the names of GitHub's own server; those of the older one are understood.

use super::client::Hub;
use super::{actions, context, gists, issues, labels, pulls, repos, search};
use crate::shared::own::{Does, OwnTool, Toolbox, tool};

const DEFAULT: &[&str] = &["context", "repos", "issues", "pull_requests", "users"];

/// Pages by the name that older servers give them.
const PER_PAGE: &[(&str, &str)] = &[("per_page", "perPage")];
const PULL: &[(&str, &str)] = &[("pull_number", "pullNumber"), ("per_page", "perPage")];
const QUERY: &[(&str, &str)] = &[("q", "query"), ("per_page", "perPage")];

/// What is one argument here, by what it is of.
const RESOURCE: &[(&str, &str)] =
    &[("workflow_id", "resource_id"), ("run_id", "resource_id"), ("job_id", "resource_id"), ("perPage", "per_page")];

/// All of them.
pub(super) fn toolbox() -> Toolbox<Hub> {
    let sets = [
        ("context", vec![tool("get_me", "Whose token this is", "Tell whose token this server uses.", context::me)]),
        ("repos", reading()),
        ("repos", writing()),
        ("issues", of_issues()),
        ("pull_requests", of_pulls().into_iter().chain(of_reviews()).collect()),
        (
            "users",
            vec![
                tool("search_users", "Search people", "Search people and organisations.", search::users)
                    .arguments_also(QUERY),
            ],
        ),
        ("actions", of_actions()),
        ("labels", of_labels()),
        ("gists", of_gists()),
    ];
    let tools = sets.into_iter().flat_map(|(set, tools)| tools.into_iter().map(move |tool| tool.in_set(set)));
    Toolbox::open(tools.collect()).by_default(DEFAULT)
}

fn reading() -> Vec<OwnTool<Hub>> {
    vec![
        tool("get_file_contents", "Read a file or folder", "Read a file, or list a folder.", repos::contents::get)
            .arguments_also(&[("branch", "ref")]),
        tool("get_repository_tree", "List a tree", "List paths of a repository.", repos::contents::tree),
        tool("list_commits", "List commits", "List commits, newest first.", repos::history::list)
            .arguments_also(PER_PAGE),
        tool("get_commit", "Look at a commit", "Read a commit and its files.", repos::history::get),
        tool("list_branches", "List branches", "List a repository's branches.", repos::branches::list)
            .arguments_also(PER_PAGE),
        tool("list_tags", "List tags", "List a repository's tags.", repos::history::tags),
        tool("get_tag", "Look at a tag", "Read an annotated tag.", repos::history::tag),
        tool("list_releases", "List releases", "List releases, newest first.", repos::releases::list),
        tool("get_latest_release", "Latest release", "Read the latest release.", repos::releases::latest),
        tool("get_release_by_tag", "Release of a tag", "Read the release of a tag.", repos::releases::by_tag),
        tool("search_code", "Search code", "Search code in repositories.", search::code).arguments_also(QUERY),
        tool("search_repositories", "Search repositories", "Search repositories by words.", search::repositories)
            .arguments_also(QUERY),
        tool("search_commits", "Search commits", "Search commits by message, author, date.", search::commits),
    ]
}

fn writing() -> Vec<OwnTool<Hub>> {
    vec![
        tool("create_or_update_file", "Write a file", "Write a file in a commit of its own.", repos::writing::put)
            .does(Does::Change),
        tool("push_files", "Push files", "Write several files in one commit.", repos::writing::push).does(Does::Change),
        tool("delete_file", "Delete a file", "Delete a file in a commit of its own.", repos::writing::delete)
            .does(Does::Change),
        tool("create_branch", "Make a branch", "Make a branch from another.", repos::branches::create).does(Does::Add),
        tool(
            "delete_branch",
            "Delete a branch",
            "Delete a branch; not the default nor a protected one.",
            repos::branches::delete,
        )
        .does(Does::Set),
        tool("create_release", "Make a release", "Make a release, and its tag if need be.", repos::releases::create)
            .does(Does::Add),
        tool(
            "create_repository",
            "Make a repository",
            "Make a repository, private unless told otherwise.",
            repos::writing::create,
        )
        .does(Does::Add),
        tool("fork_repository", "Fork", "Fork a repository to yourself.", repos::writing::fork).does(Does::Add),
    ]
}

fn of_issues() -> Vec<OwnTool<Hub>> {
    vec![
        tool("issue_read", "Read an issue", "Read an issue, its comments, labels, parent or sub-issues.", issues::read)
            .alias_with("get_issue", &[], &[("method", "get")])
            .alias_with("get_issue_comments", PER_PAGE, &[("method", "get_comments")])
            .alias_with("list_sub_issues", PER_PAGE, &[("method", "get_sub_issues")]),
        tool("list_issues", "List issues", "List the issues of a repository, without pull requests.", issues::list)
            .arguments_also(&[("per_page", "perPage"), ("orderBy", "sort")]),
        tool("search_issues", "Search issues", "Search issues of all repositories.", search::issues)
            .arguments_also(QUERY),
        tool("issue_write", "Write an issue", "Make an issue, or change one.", issues::write)
            .does(Does::Change)
            .alias_with("create_issue", &[], &[("method", "create")])
            .alias_with("update_issue", &[], &[("method", "update")])
            .alias_with("update_issue_title", &[], &[("method", "update")])
            .alias_with("update_issue_body", &[], &[("method", "update")])
            .alias_with("update_issue_labels", &[], &[("method", "update")])
            .alias_with("update_issue_assignees", &[], &[("method", "update")])
            .alias_with("update_issue_milestone", &[], &[("method", "update")])
            .alias_with("update_issue_state", &[], &[("method", "update")]),
        tool("add_issue_comment", "Comment", "Comment on an issue or pull request.", issues::comment).does(Does::Add),
        tool("sub_issue_write", "Arrange sub-issues", "Add, remove or reorder sub-issues.", issues::sub_issue)
            .does(Does::Change)
            .alias_with("add_sub_issue", &[], &[("method", "add")])
            .alias_with("remove_sub_issue", &[], &[("method", "remove")])
            .alias_with("reprioritize_sub_issue", &[], &[("method", "reprioritize")]),
    ]
}

fn of_pulls() -> Vec<OwnTool<Hub>> {
    vec![
        tool(
            "pull_request_read",
            "Read a pull request",
            "Read a pull request, its files, diff, checks, reviews, comments, threads.",
            pulls::reading::read,
        )
        .alias_with("get_pull_request", PULL, &[("method", "get")])
        .alias_with("get_pull_request_diff", PULL, &[("method", "get_diff")])
        .alias_with("get_pull_request_files", PULL, &[("method", "get_files")])
        .alias_with("get_pull_request_status", PULL, &[("method", "get_status")])
        .alias_with("get_pull_request_comments", PULL, &[("method", "get_review_comments")])
        .alias_with("get_pull_request_reviews", PULL, &[("method", "get_reviews")]),
        tool(
            "list_pull_requests",
            "List pull requests",
            "List the pull requests of a repository.",
            pulls::reading::list,
        )
        .arguments_also(PER_PAGE),
        tool("search_pull_requests", "Search pull requests", "Find pull requests anywhere.", search::pull_requests)
            .arguments_also(QUERY),
        tool("create_pull_request", "Open a pull request", "Open a pull request.", pulls::writing::create)
            .does(Does::Add),
        tool(
            "update_pull_request",
            "Change a pull request",
            "Change a pull request, ask for reviews.",
            pulls::writing::update,
        )
        .does(Does::Set)
        .arguments_also(PULL)
        .alias_with("update_pull_request_title", PULL, &[])
        .alias_with("update_pull_request_body", PULL, &[])
        .alias_with("update_pull_request_state", PULL, &[])
        .alias_with("update_pull_request_draft_state", PULL, &[])
        .alias_with("request_pull_request_reviewers", PULL, &[]),
        tool("merge_pull_request", "Merge", "Merge a pull request.", pulls::writing::merge)
            .does(Does::Change)
            .arguments_also(PULL),
        tool(
            "update_pull_request_branch",
            "Bring up to date",
            "Merge the base into a pull request's branch.",
            pulls::writing::update_branch,
        )
        .does(Does::Change)
        .arguments_also(&[("pull_number", "pullNumber"), ("expected_head_sha", "expectedHeadSha")]),
    ]
}

fn of_reviews() -> Vec<OwnTool<Hub>> {
    vec![
        tool(
            "add_comment_to_pending_review",
            "Comment in a review begun",
            "Add a comment on lines or a file to the review begun with pull_request_review_write.",
            pulls::threads::comment,
        )
        .does(Does::Add)
        .arguments_also(PULL),
        tool(
            "pull_request_review_write",
            "Review",
            "Write a review with comments on lines, send or delete one begun, or resolve a thread.",
            pulls::reviews::write,
        )
        .does(Does::Change)
        .alias_with(
            "create_pull_request_review",
            &[("pull_number", "pullNumber"), ("commit_id", "commitID")],
            &[("method", "create")],
        )
        .alias_with("submit_pending_pull_request_review", PULL, &[("method", "submit_pending")])
        .alias_with("delete_pending_pull_request_review", PULL, &[("method", "delete_pending")]),
        tool(
            "add_reply_to_pull_request_comment",
            "Answer a comment",
            "Answer a comment on a line.",
            pulls::reviews::reply,
        )
        .does(Does::Add),
    ]
}

fn of_actions() -> Vec<OwnTool<Hub>> {
    vec![
        tool("actions_list", "List workflows and runs", "List workflows, runs, jobs or artifacts.", actions::list)
            .alias_with("list_workflows", RESOURCE, &[("method", "list_workflows")])
            .alias_with("list_workflow_runs", RESOURCE, &[("method", "list_workflow_runs")])
            .alias_with("list_workflow_jobs", RESOURCE, &[("method", "list_workflow_jobs")])
            .alias_with("list_workflow_run_artifacts", RESOURCE, &[("method", "list_workflow_run_artifacts")])
            .arguments_also(RESOURCE),
        tool("actions_get", "Look at a run", "Read a workflow, run or job.", actions::get)
            .alias_with("get_workflow", RESOURCE, &[("method", "get_workflow")])
            .alias_with("get_workflow_run", RESOURCE, &[("method", "get_workflow_run")])
            .alias_with("get_workflow_job", RESOURCE, &[("method", "get_workflow_job")])
            .alias_with("get_workflow_run_usage", RESOURCE, &[("method", "get_workflow_run_usage")]),
        tool(
            "get_job_logs",
            "Read logs",
            "Read the last lines of a job's log, or of a run's failed jobs.",
            actions::logs,
        ),
        tool("actions_run_trigger", "Run a workflow", "Run, rerun or cancel.", actions::trigger)
            .does(Does::Change)
            .alias_with("run_workflow", &[], &[("method", "run_workflow")])
            .alias_with("rerun_workflow_run", &[], &[("method", "rerun_workflow_run")])
            .alias_with("rerun_failed_jobs", &[], &[("method", "rerun_failed_jobs")])
            .alias_with("cancel_workflow_run", &[], &[("method", "cancel_workflow_run")]),
    ]
}

fn of_labels() -> Vec<OwnTool<Hub>> {
    vec![
        tool("list_label", "List labels", "List labels.", labels::list),
        tool("get_label", "Look at a label", "Read a label.", labels::get),
        tool("label_write", "Write a label", "Make, change or delete a label.", labels::write).does(Does::Change),
    ]
}

fn of_gists() -> Vec<OwnTool<Hub>> {
    vec![
        tool("list_gists", "List gists", "List gists.", gists::list),
        tool("get_gist", "Read a gist", "Read a gist and its files.", gists::get),
        tool("create_gist", "Make a gist", "Make a gist of one file.", gists::create).does(Does::Add),
        tool("update_gist", "Change a gist", "Write a file of a gist.", gists::update).does(Does::Set),
    ]
}
