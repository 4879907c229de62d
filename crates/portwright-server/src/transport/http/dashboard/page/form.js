// A form made from a JSON Schema: what is plain gets a field of its own, the rest is JSON text.

import { h } from "./dom.js";

let count = 0;

const type = (schema) => {
  const types = [schema.type].flat().filter((one) => one && one !== "null");
  return types.length === 1 ? types[0] : undefined;
};

function control(schema, id, required) {
  if (Array.isArray(schema.enum)) {
    const options = schema.enum.filter((value) => value !== null).map((value) => h("option", { value: JSON.stringify(value) }, String(value)));
    const select = h("select", { id }, !required && h("option", { value: "" }, "—"), options);
    return [select, () => (select.value === "" ? undefined : JSON.parse(select.value))];
  }
  switch (type(schema)) {
    case "boolean": {
      const select = h("select", { id }, !required && h("option", { value: "" }, "—"), h("option", { value: "true" }, "true"), h("option", { value: "false" }, "false"));
      return [select, () => (select.value === "" ? undefined : select.value === "true")];
    }
    case "integer":
    case "number": {
      const input = h("input", { id, type: "number", step: type(schema) === "integer" ? 1 : "any", min: schema.minimum, max: schema.maximum, placeholder: schema.default });
      return [input, () => (input.value === "" ? undefined : Number(input.value))];
    }
    case "string": {
      const long = (schema.maxLength ?? 0) > 200 || /sql|text|content|body|query/i.test(id);
      const input = h(long ? "textarea" : "input", { id, rows: long ? 3 : undefined, spellcheck: "false", autocomplete: "off", placeholder: schema.default });
      return [input, () => (input.value === "" && !required ? undefined : input.value)];
    }
    default: {
      const input = h("textarea", { id, rows: 3, spellcheck: "false", placeholder: type(schema) === "array" ? "[ … ]  as JSON" : "as JSON" });
      return [input, () => (input.value.trim() === "" ? undefined : JSON.parse(input.value))];
    }
  }
}

// The fields, and what reads them: the arguments, or an error that names the field.
export function form(schema) {
  const required = new Set(schema?.required ?? []);
  const fields = Object.entries(schema?.properties ?? {}).map(([name, property]) => {
    const own = property && typeof property === "object" ? property : {};
    const id = `field-${++count}-${name.replace(/[^\w-]/g, "_")}`;
    const [input, read] = control(own, id, required.has(name));
    const hint = own.description && h("small", { id: `${id}-hint` }, own.description);
    if (hint) input.setAttribute("aria-describedby", `${id}-hint`);
    if (required.has(name)) input.setAttribute("aria-required", "true");
    return { name, read, row: h("div", { class: "field" }, h("label", { for: id }, name, required.has(name) && h("span", { class: "needed" }, " needed")), input, hint) };
  });
  const read = () => {
    const values = {};
    for (const field of fields) {
      let value;
      try {
        value = field.read();
      } catch {
        throw new Error(`“${field.name}” is not JSON`);
      }
      if (value !== undefined) values[field.name] = value;
    }
    return values;
  };
  return { rows: fields.map((field) => field.row), read };
}

// Arguments that the tool wants to see in headers as well, by the header's name.
export function mirrored(schema, values, found = {}) {
  for (const [name, property] of Object.entries(schema?.properties ?? {})) {
    const value = values?.[name];
    if (value === undefined || value === null || !property) continue;
    if (property["x-mcp-header"] && typeof value !== "object") found[property["x-mcp-header"]] = value;
    if (typeof value === "object" && !Array.isArray(value)) mirrored(property, value, found);
  }
  return found;
}
