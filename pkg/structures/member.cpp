#include "pkg/structures/member.hpp"

namespace weir::structures {
namespace {

void write_canonical(json::Writer& out, json::View value) {
  switch (value.kind()) {
    case json::Kind::string:
      out.value(value.as_string().value_or(""));
      return;
    case json::Kind::array:
      out.begin_array();
      for (const json::View element : value.elements()) write_canonical(out, element);
      out.end_array();
      return;
    case json::Kind::object:
      out.begin_object();
      for (const json::Member& member : value.members()) {
        out.key(member.key());
        write_canonical(out, member.value);
      }
      out.end_object();
      return;
    default:
      out.raw(value.raw());
  }
}

}  // namespace

std::string canonical(json::View value) {
  json::Writer out(value.raw().size());
  write_canonical(out, value);
  return out.take();
}

std::string encode_member(json::View value) {
  if (value.is_string()) return "s" + value.as_string().value_or("");
  return "j" + canonical(value);
}

void write_member(json::Writer& out, std::string_view stored) {
  const std::string_view text = stored.substr(stored.empty() ? 0 : 1);
  if (stored.starts_with('s')) {
    out.value(text);
  } else {
    out.raw(text);
  }
}

}  // namespace weir::structures
