//! The rules, one a file.

mod annotation_contradicts;
mod annotations_missing;
mod description_long;
mod description_missing;
mod description_vague;
mod hidden_characters;
mod hidden_instructions;
mod mega_tool;
mod name_collision;
mod name_dotted;
mod name_rejected;
mod near_duplicate;
mod no_limits;
mod no_returns;
mod no_use_when;
mod output_schema_missing;
mod parameter_unbounded;
mod parameter_undescribed;
mod parameter_untyped;
mod resource_undescribed;
mod schema_unsupported;
mod secret_in_schema;
mod title_missing;
mod tokens_of_list;
mod tokens_of_tool;
mod too_many_parameters;

use super::Rule;

/// All rules, in the order in which the reference tells them.
pub(crate) static RULES: [Rule; 26] = [
    description_missing::RULE,
    resource_undescribed::RULE,
    description_vague::RULE,
    description_long::RULE,
    no_use_when::RULE,
    no_returns::RULE,
    no_limits::RULE,
    mega_tool::RULE,
    too_many_parameters::RULE,
    parameter_undescribed::RULE,
    parameter_untyped::RULE,
    parameter_unbounded::RULE,
    name_rejected::RULE,
    name_dotted::RULE,
    name_collision::RULE,
    annotations_missing::RULE,
    annotation_contradicts::RULE,
    schema_unsupported::RULE,
    output_schema_missing::RULE,
    title_missing::RULE,
    tokens_of_tool::RULE,
    tokens_of_list::RULE,
    near_duplicate::RULE,
    hidden_instructions::RULE,
    hidden_characters::RULE,
    secret_in_schema::RULE,
];
