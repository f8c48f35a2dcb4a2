// Members of sets and sorted sets, and the equality of JSON values.
//
// A member is any JSON value. Two values are equal when their canonical texts are: white space
// goes, strings are written with the same escapes, numbers and the order of members stay as they
// came. So "a" equals "\u0061", but 1 and 1.0 are two members.
//
// Stored, a string is 's' + its bytes and anything else 'j' + its canonical text, so that strings
// sort by their bytes, as members of equal score do.
#pragma once

#include <string>
#include <string_view>

#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"

namespace weir::structures {

std::string canonical(json::View value);

std::string encode_member(json::View value);
void write_member(json::Writer& out, std::string_view stored);

}  // namespace weir::structures
