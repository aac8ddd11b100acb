// The questionnaire builder: questions as cards, and beside them what a phone will show.
"use strict";

const builder = document.getElementById("builder");
const model = JSON.parse(builder.dataset.content);
const kinds = JSON.parse(builder.dataset.kinds);
const operators = JSON.parse(builder.dataset.operators);
const editable = builder.dataset.editable === "yes";
const list = document.getElementById("questions");
const form = builder.querySelector("form");
const WITH_OPTIONS = ["choice", "multiple"];
const SILENT = ["section", "note"];

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") element.className = value;
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

function changed() {
  form.elements.content.value = JSON.stringify(model);
  preview();
}

let labels = 0;
function box(title, control, help) {
  const id = `b-${(labels += 1)}`;
  control.id = id;
  control.disabled = !editable;
  return make("div", { class: "mb-2" }, make("label", { class: "form-label", for: id }, title), control, help ? make("div", { class: "form-text" }, help) : null);
}

function text(object, name, title, extra = {}) {
  const control = make(extra.rows ? "textarea" : "input", { class: "form-control", maxlength: "500", ...extra });
  control.value = object[name] ?? "";
  control.addEventListener("input", () => { object[name] = extra.type === "number" ? (control.value === "" ? null : Number(control.value)) : control.value; changed(); });
  return box(title, control);
}

function tick(object, name, title) {
  const control = make("input", { class: "form-check-input", type: "checkbox", id: `b-${(labels += 1)}`, checked: Boolean(object[name]), disabled: !editable });
  control.addEventListener("change", () => { object[name] = control.checked; changed(); });
  return make("div", { class: "form-check" }, control, make("label", { class: "form-check-label", for: control.id }, title));
}

function select(choices, now, onpick) {
  const control = make("select", { class: "form-select" }, ...choices.map(([value, title]) => make("option", { value, selected: value === now }, title)));
  control.addEventListener("change", () => onpick(control.value));
  return control;
}

function button(title, onclick, look = "btn-quiet") {
  const made = make("button", { class: `btn btn-sm ${look}`, type: "button", disabled: !editable }, title);
  made.addEventListener("click", onclick);
  return made;
}

function freshId(prefix, taken) {
  let number = taken.length + 1;
  while (taken.includes(`${prefix}${number}`)) number += 1;
  return `${prefix}${number}`;
}

function fresh() {
  return { id: freshId("q", model.questions.map((each) => each.id)), kind: "choice", text: "", required: false, options: [], show_if: [] };
}

function optionRow(question, option, at) {
  const words = make("input", { class: "form-control", maxlength: "100", placeholder: `选项${at + 1}`, "aria-label": `选项${at + 1}`, disabled: !editable });
  words.value = option.text;
  words.addEventListener("input", () => { option.text = words.value; changed(); });
  const points = make("input", { class: "form-control points", type: "number", step: "any", placeholder: "分值", "aria-label": `选项${at + 1}的分值`, disabled: !editable });
  points.value = option.score ?? "";
  points.addEventListener("input", () => { option.score = points.value === "" ? null : points.value; changed(); });
  return make("div", { class: "option-row" }, words, points, tick(option, "alarm", "选了就回访"), button("删除", () => { question.options.splice(at, 1); draw(); }));
}

function options(question) {
  const rows = question.options.map((option, at) => optionRow(question, option, at));
  const add = button("加选项", () => {
    question.options.push({ value: freshId("o", question.options.map((each) => each.value)), text: "", score: null, alarm: false });
    draw();
  });
  return make("div", { class: "mb-2" }, make("div", { class: "form-label" }, "选项（可给分值，越满意分越高）"), ...rows, add);
}

function values(question, condition) {
  const other = model.questions.find((each) => each.id === condition.question_id);
  if (other && WITH_OPTIONS.includes(other.kind) && condition.operator !== "exists") {
    const control = select([["", "请选择"], ...other.options.map((each) => [each.value, each.text])], condition.value, (value) => { condition.value = value; changed(); });
    control.setAttribute("aria-label", "条件的值");
    return control;
  }
  const control = make("input", { class: "form-control", maxlength: "100", "aria-label": "条件的值" });
  control.value = condition.value;
  control.addEventListener("input", () => { condition.value = control.value; changed(); });
  return control;
}

function conditions(question, at) {
  const before = model.questions.slice(0, at).filter((each) => !SILENT.includes(each.kind));
  if (!before.length) return null;
  const rows = question.show_if.map((condition, n) => {
    const which = select(before.map((each) => [each.id, each.text || each.id]), condition.question_id, (value) => { condition.question_id = value; condition.value = ""; draw(); });
    const how = select(Object.entries(operators), condition.operator, (value) => { condition.operator = value; draw(); });
    which.setAttribute("aria-label", "条件的题目");
    how.setAttribute("aria-label", "条件的比较");
    const row = make("div", { class: "option-row" }, which, how, values(question, condition), button("删除", () => { question.show_if.splice(n, 1); draw(); }));
    row.querySelectorAll("select, input").forEach((one) => { one.disabled = !editable; });
    return row;
  });
  const add = button("加显示条件", () => { question.show_if.push({ question_id: before.at(-1).id, operator: "=", value: "" }); draw(); });
  return make("div", { class: "mb-2" }, rows.length ? make("div", { class: "form-label" }, "满足以下条件才问") : null, ...rows, add);
}

function numbers(question) {
  const parts = [text(question, "minimum", "最小", { type: "number" }), text(question, "maximum", "最大", { type: "number" })];
  if (question.kind === "scale") {
    parts.push(text(question, "low_label", "最小表示"), text(question, "high_label", "最大表示"), tick(question, "scored", "计入得分"), tick(question, "reversed", "越大越差"));
  }
  return make("div", { class: "number-row" }, ...parts);
}

function move(at, by) {
  const [moved] = model.questions.splice(at, 1);
  model.questions.splice(at + by, 0, moved);
  draw();
}

function card(question, at) {
  question.options ??= [];
  question.show_if ??= [];
  const kind = select(Object.entries(kinds), question.kind, (value) => {
    question.kind = value;
    if (value === "scale" && question.maximum == null) Object.assign(question, { minimum: 0, maximum: 10 });
    draw();
  });
  const tools = make("div", { class: "actions" }, button("上移", () => at && move(at, -1)), button("下移", () => at + 1 < model.questions.length && move(at, 1)), button("删除", () => { model.questions.splice(at, 1); draw(); }));
  const body = [make("div", { class: "number-row" }, box("类型", kind))];
  body.push(text(question, "text", SILENT.includes(question.kind) ? "文字" : "题目", { rows: 2 }));
  if (!SILENT.includes(question.kind)) body.push(text(question, "spoken", "短信和电话里的问法（可不填）"), tick(question, "required", "这题必须回答"));
  if (WITH_OPTIONS.includes(question.kind)) body.push(options(question));
  if (["scale", "number"].includes(question.kind)) body.push(numbers(question));
  body.push(conditions(question, at));
  return make("section", { class: "panel", "data-question": question.id }, make("div", { class: "panel-head" }, make("h2", {}, `${at + 1}. ${kinds[question.kind]}`), editable ? tools : null), make("div", { class: "panel-body" }, ...body.filter(Boolean)));
}

function draw() {
  list.replaceChildren(...model.questions.map(card));
  changed();
}

// What the phone shows.
function answerBox(question) {
  if (WITH_OPTIONS.includes(question.kind)) return question.options.map((each) => make("div", { class: `p-option ${question.kind}` }, each.text || "（选项）"));
  if (question.kind === "scale") {
    const count = Math.max(0, Math.min(101, question.maximum - question.minimum + 1)) || 0;
    const dots = Array.from({ length: count }, (_, n) => make("span", {}, String(Number(question.minimum) + n)));
    return [make("div", { class: "p-scale" }, ...dots), make("div", { class: "p-ends" }, make("span", {}, question.low_label || ""), make("span", {}, question.high_label || ""))];
  }
  return [make("div", { class: "p-line" }, question.kind === "date" ? "年 / 月 / 日" : "")];
}

function shownQuestion(question) {
  if (SILENT.includes(question.kind)) return make("p", { class: "p-note" }, question.text || "（文字）");
  const title = make("h3", {}, question.text || question.spoken || "（题目）", question.required ? "" : make("small", {}, "（选答）"));
  const when = question.show_if.length ? make("p", { class: "p-when" }, "满足条件才显示") : null;
  return make("div", { class: "p-question" }, when, title, ...answerBox(question));
}

function preview() {
  document.getElementById("phone-title").textContent = model.title || "问卷名称";
  const page = document.getElementById("phone-page");
  page.replaceChildren(make("p", {}, model.intro || ""), ...model.questions.map(shownQuestion), make("p", { class: "p-note" }, model.thanks || ""));
}

for (const field of builder.querySelectorAll("[data-field]")) {
  const name = field.dataset.field;
  field.value = model[name] ?? "";
  field.disabled = !editable;
  field.addEventListener("input", () => {
    model[name] = field.type === "number" ? (field.value === "" ? null : Number(field.value)) : field.value;
    changed();
  });
}
document.getElementById("add-question")?.addEventListener("click", () => {
  model.questions.push(fresh());
  draw();
  list.lastElementChild.querySelector("textarea").focus();
});
draw();
