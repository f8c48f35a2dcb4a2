#include "api/openapi/docs_page.hpp"

#include <nlohmann/json.hpp>

namespace weir::api {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:0 auto;padding:1rem}
h2{border-bottom:1px solid #8886;padding-bottom:.2rem;margin-top:2.5rem}
details{border:1px solid #8886;border-radius:.4rem;margin:.5rem 0;padding:.4rem .8rem}
summary{cursor:pointer}
code,pre{font:14px/1.45 ui-monospace,monospace}
pre{background:#8882;padding:.6rem;border-radius:.4rem;overflow-x:auto}
.method{display:inline-block;min-width:4.5rem;font-weight:700}
.scope{float:right;opacity:.75}
table{border-collapse:collapse}
td,th{text-align:left;padding:.15rem .8rem .15rem 0;vertical-align:top}
)";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string text_of(const Json& object, const char* member) {
  return object.contains(member) ? escaped(object[member].get<std::string>()) : "";
}

std::string upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  return text;
}

void append_schema(std::string& out, const Json& schema) {
  if (schema.contains("$ref")) {
    const std::string ref = schema["$ref"].get<std::string>();
    const std::string name = escaped(ref.substr(ref.rfind('/') + 1));
    out += "<a href=\"#schema-" + name + "\"><code>" + name + "</code></a>";
  } else {
    out += "<pre>" + escaped(schema.dump(2)) + "</pre>";
  }
}

void append_content(std::string& out, const Json& holder) {
  if (!holder.contains("content")) return;
  for (const auto& [type, media] : holder["content"].items()) {
    out += "<p><code>" + escaped(type) + "</code> ";
    if (media.contains("schema")) append_schema(out, media["schema"]);
    out += "</p>";
  }
}

void append_parameters(std::string& out, const Json& operation) {
  if (!operation.contains("parameters")) return;
  out += "<h4>Parameters</h4><table>";
  for (const auto& parameter : operation["parameters"]) {
    if (parameter.contains("$ref")) {
      out +=
          "<tr><td><code>Weir-Min-Revision</code></td><td>header</td>"
          "<td>answer from a state at least this new</td></tr>";
      continue;
    }
    out += "<tr><td><code>" + text_of(parameter, "name") + "</code></td><td>" +
           text_of(parameter, "in") + "</td><td>" + text_of(parameter, "description") + " <code>" +
           escaped(parameter["schema"].dump()) + "</code></td></tr>";
  }
  out += "</table>";
}

void append_operation(std::string& out, const std::string& method, const std::string& path,
                      const Json& operation) {
  out += "<details id=\"" + text_of(operation, "operationId") + "\"><summary><span class=method>" +
         upper(method) + "</span> <code>" + escaped(path) + "</code> " +
         text_of(operation, "summary") + "<span class=scope>" +
         (operation.contains("x-weir-scope") ? text_of(operation, "x-weir-scope") : "public") +
         "</span></summary>";
  if (operation.contains("description")) {
    out += "<p>" + text_of(operation, "description") + "</p>";
  }
  append_parameters(out, operation);
  if (operation.contains("requestBody")) {
    out += "<h4>Request</h4>";
    append_content(out, operation["requestBody"]);
  }
  out += "<h4>Answers</h4><table>";
  for (const auto& [status, response] : operation["responses"].items()) {
    out += "<tr><th>" + status + "</th><td>" + text_of(response, "description");
    append_content(out, response);
    out += "</td></tr>";
  }
  out += "</table></details>";
}

}  // namespace

std::string docs_page(std::string_view openapi_json) {
  const Json document = Json::parse(openapi_json);
  std::string out =
      "<!doctype html><html lang=en><head><meta charset=utf-8><title>Weir API</title>"
      "<meta name=viewport content=\"width=device-width\"><style>";
  out.append(kStyle).append("</style></head><body><h1>Weir ");
  out += text_of(document["info"], "version") + " API</h1><p>" +
         text_of(document["info"], "description") +
         "</p><p>The same as a document for programs: <a href=\"/openapi.json\">/openapi.json</a>."
         "</p>";
  for (const auto& tag : document["tags"]) {
    const std::string name = tag["name"].get<std::string>();
    out += "<h2>" + escaped(name) + "</h2>";
    for (const auto& [path, item] : document["paths"].items()) {
      for (const auto& [method, operation] : item.items()) {
        if (operation["tags"][0] == name) append_operation(out, method, path, operation);
      }
    }
  }
  out += "<h2>Schemas</h2>";
  for (const auto& [name, schema] : document["components"]["schemas"].items()) {
    out += "<h3 id=\"schema-" + escaped(name) + "\">" + escaped(name) + "</h3><pre>" +
           escaped(schema.dump(2)) + "</pre>";
  }
  return out + "</body></html>\n";
}

}  // namespace weir::api
