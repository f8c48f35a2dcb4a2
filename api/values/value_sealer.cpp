#include "api/values/value_sealer.hpp"

#include "jobs/stored_form.hpp"
#include "pkg/base/base64.hpp"
#include "pkg/crypto/crypto.hpp"
#include "pkg/crypto/seal.hpp"
#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"

namespace weir::api {
namespace {

constexpr std::size_t kDigestChars = 32;
constexpr std::size_t kFormBytes = 256;  // around an encrypted value, at most
constexpr std::string_view kRawHead = "{\"raw\":";

Error damaged(std::string_view field) {
  return Error{Code::conflict, "payload_damaged",
               "A stored value is not what was stored for this job",
               std::string(field) + ": it was changed, or it was moved from another job"};
}

Error key_missing(const std::string& id) {
  return Error{Code::unavailable, "payload_key_missing",
               "The key that a value was encrypted with is not here",
               "key id: " + id + "; add it to payload_keys_file of this coordinator"};
}

Error unavailable(const Error& cause) {
  return Error{Code::unavailable, "large_payload_unavailable",
               "A large value could not be stored or read",
               "large values live in NATS, and are not kept while it is away: " + cause.message};
}

std::string_view owner_of(const KnownOwners& owners, char kind) {
  switch (kind) {
    case 'j':
      return owners.job;
    case 'q':
      return owners.queue;
    default:
      return owners.row;
  }
}

}  // namespace

std::string ValueSealer::context(std::string_view field, char kind, std::string_view name) const {
  std::string out = "weir value 1\n" + std::to_string(shard_) + "\n";
  return out.append(field).append("\n").append(1, kind).append("\n").append(name);
}

std::string ValueSealer::seal(std::string_view value, std::string_view field,
                              const ValueOwner& owner) const {
  const auto ring = keys_.ring();
  std::string out;
  if (!ring) {
    if (!jobs::is_stored_form(value)) return std::string(value);
    return out.append(jobs::kStoredHead).append(kRawHead).append(value).append("}}");
  }
  const auto& key = ring->current();
  const char kind = static_cast<char>(owner.kind);
  const auto box = crypto::seal(key.bytes, context(field, kind, owner.name), value);
  out.reserve(box.size() * 4 / 3 + 64 + key.id.size());
  return out.append(jobs::kStoredHead)
      .append("{\"k\":\"")
      .append(key.id)
      .append("\",\"f\":\"")
      .append(1, kind)
      .append("\",\"c\":\"")
      .append(base64_encode(box))
      .append("\"}}");
}

Result<std::string> ValueSealer::seal_any(std::string_view value, std::string_view field,
                                          const ValueOwner& owner) const {
  if (!may_be_large(value.size())) return seal(value, field, owner);
  const auto form_bytes = encrypts() ? value.size() * 4 / 3 + kFormBytes : value.size();
  if (form_bytes <= inline_bytes_) return seal(value, field, owner);
  return seal_large(value, field, owner);
}

Result<std::string> ValueSealer::seal_large(std::string_view value, std::string_view field,
                                            const ValueOwner& owner) const {
  const auto ring = keys_.ring();
  const char kind = static_cast<char>(owner.kind);
  const auto stored = ring ? blobs_->put(crypto::seal(ring->current().bytes,
                                                      context(field, kind, owner.name), value))
                           : blobs_->put(value);
  if (!stored) return unavailable(stored.error());
  json::Writer out(256 + stored->chunks.size() * 12);
  out.begin_object().key("$weir").begin_object().key("b").begin_object();
  out.member("n", stored->bytes).member("h", stored->sha256).member("s", stored->stream);
  out.key("q").begin_array();
  for (const auto chunk : stored->chunks) out.value(chunk);
  out.end_array().end_object();
  if (ring) out.member("k", ring->current().id).member("f", std::string_view(&kind, 1));
  out.end_object().end_object();
  return out.take();
}

// What stands in a reference, whole.
Result<std::string> ValueSealer::fetch(json::View reference) const {
  if (blobs_ == nullptr) {
    return Error{Code::conflict, "payload_lost", "A large value cannot be read here", ""};
  }
  replica::BlobRef ref{
      .bytes = static_cast<std::uint64_t>(reference.find("n").as_int().value_or(0)),
      .sha256 = reference.find("h").as_string().value_or(""),
      .stream = reference.find("s").as_string().value_or(""),
      .chunks = {}};
  for (const auto chunk : reference.find("q").elements()) {
    ref.chunks.push_back(static_cast<std::uint64_t>(chunk.as_int().value_or(0)));
  }
  auto bytes = blobs_->get(ref);
  if (!bytes && bytes.error().reason != "payload_lost") return unavailable(bytes.error());
  return bytes;
}

Result<std::string> ValueSealer::open(std::string_view stored, std::string_view field,
                                      const KnownOwners& owners) const {
  if (!jobs::is_stored_form(stored)) return std::string(stored);
  const auto form = json::View(
      stored.substr(jobs::kStoredHead.size(), stored.size() - jobs::kStoredHead.size() - 1));
  if (const auto raw = form.find("raw"); !raw.is_missing()) return std::string(raw.raw());
  const auto reference = form.find("b");
  std::string box;
  if (!reference.is_missing()) {
    WEIR_ASSIGN(box, fetch(reference));
    if (form.find("k").is_missing()) return box;
  }
  const auto id = form.find("k").as_string();
  const auto kind = form.find("f").as_plain_string().value_or("");
  if (!id || kind.size() != 1) return damaged(field);
  const auto ring = keys_.ring();
  const auto* key = ring ? ring->find(*id) : nullptr;
  if (key == nullptr) {
    const std::lock_guard lock(mutex_);
    missed_ = *id;
    return key_missing(*id);
  }
  if (reference.is_missing()) {
    box = base64_decode(form.find("c").as_plain_string().value_or("")).value_or("");
  }
  const auto owner = owner_of(owners, kind.front());
  auto value = crypto::open_sealed(key->bytes, context(field, kind.front(), owner), box);
  if (!value) return damaged(field);
  return std::move(*value);
}

std::string ValueSealer::problem() const {
  const auto ring = keys_.ring();
  const std::lock_guard lock(mutex_);
  if (ring && ring->find(missed_) != nullptr) missed_.clear();
  return missed_.empty() ? std::string() : describe(key_missing(missed_));
}

ValueSealer::Digests ValueSealer::digest(std::string_view text) const {
  const auto ring = keys_.ring();
  if (!ring) return {.digest = crypto::sha256_hex(text).substr(0, kDigestChars), .others = {}};
  Digests out;
  for (const auto& key : ring->keys()) {
    // A key of its own: the payload key is for AES alone.
    const auto own = crypto::hmac_sha256(key.bytes, "weir digest 1");
    auto digest = crypto::to_hex(crypto::hmac_sha256(own, text)).substr(0, kDigestChars);
    if (out.digest.empty()) {
      out.digest = std::move(digest);
    } else {
      out.others.push_back(std::move(digest));
    }
  }
  return out;
}

}  // namespace weir::api
