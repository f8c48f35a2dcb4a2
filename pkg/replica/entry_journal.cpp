#include "pkg/replica/entry_journal.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "pkg/crypto/crypto.hpp"
#include "pkg/log/log.hpp"
#include "pkg/replica/file_error.hpp"

namespace weir::replica {
namespace {

// A file: magic, length of the identity, identity, records. A record: size, revision, time in ms,
// SHA-256 of the data, data. Numbers are of this machine: the files never leave it.
constexpr std::string_view kMagic = "weir-journal-1\n";
constexpr std::size_t kHashBytes = 32;
constexpr std::size_t kMaxIdentity = 1'024;
constexpr std::size_t kMaxData = 256U << 20U;

struct RecordHead {
  std::uint64_t size = 0;
  std::uint64_t revision = 0;
  std::int64_t time_ms = 0;
  std::array<char, kHashBytes> hash{};
};

Error damaged(const std::string& path, std::uint64_t at) {
  return Error{Code::internal, "journal_damaged", "The journal of entries is damaged",
               path + " at byte " + std::to_string(at)};
}

// False: the file ends before.
Result<bool> read_at(int file, void* into, std::size_t size, std::uint64_t at,
                     const std::string& path) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got =
        ::pread(file, static_cast<char*>(into) + done, size - done, static_cast<off_t>(at + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error(path);
    if (got == 0) return false;
    done += static_cast<std::size_t>(got);
  }
  return true;
}

Result<void> write_at(int file, std::string_view data, std::uint64_t at, const std::string& path) {
  std::size_t done = 0;
  while (done < data.size()) {
    const ssize_t put =
        ::pwrite(file, data.data() + done, data.size() - done, static_cast<off_t>(at + done));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return file_error(path);
    done += static_cast<std::size_t>(put);
  }
  return {};
}

void append_record(std::string& out, const DecodedEntry& entry) {
  RecordHead head;
  head.size = entry.data().size();
  head.revision = entry.revision();
  head.time_ms = to_unix_ms(entry.time());
  std::memcpy(head.hash.data(), entry.hash().data(), std::min(kHashBytes, entry.hash().size()));
  out.append(reinterpret_cast<const char*>(&head), sizeof head);
  out.append(entry.data());
}

}  // namespace

struct EntryJournal::File {
  std::string path;
  int file = -1;
  std::string identity;
  std::uint64_t begin = 0;  // of the records
  std::uint64_t bytes = 0;
  Revision first = 0;
  Revision last = 0;

  explicit File(std::string where) : path(std::move(where)) {}
  ~File() {
    if (file >= 0) ::close(file);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  Result<void> open() {
    file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) return file_error(path);
    return {};
  }

  // Empties it and makes it one of `whose` log.
  Result<void> reset(const std::string& whose) {
    identity = whose;
    first = last = 0;
    bytes = begin = 0;
    if (::ftruncate(file, 0) != 0) return file_error(path);
    const std::uint64_t size = whose.size();
    std::string head(kMagic);
    head.append(reinterpret_cast<const char*>(&size), sizeof size);
    head.append(whose);
    WEIR_TRY(write_at(file, head, 0, path));
    begin = bytes = head.size();
    return {};
  }

  // Finds out what it holds; cuts off what is not whole: a file that lost power may be as long as
  // it was, with something else in it.
  Result<void> load() {
    struct stat status {};
    if (::fstat(file, &status) != 0) return file_error(path);
    const auto size = static_cast<std::uint64_t>(status.st_size);
    WEIR_ASSIGN(const bool known, load_head());
    if (!known) return reset("");
    for (;;) {
      RecordHead head;
      WEIR_ASSIGN(const bool there, read_at(file, &head, sizeof head, bytes, path));
      const bool follows = last == 0 ? head.revision > 0 : head.revision == last + 1;
      if (!there || !follows || head.size > kMaxData || bytes + sizeof head + head.size > size) {
        break;
      }
      WEIR_ASSIGN(const auto data, data_of(head, bytes));
      if (!data) break;
      if (first == 0) first = head.revision;
      last = head.revision;
      bytes += sizeof head + head.size;
    }
    if (bytes < size && ::ftruncate(file, static_cast<off_t>(bytes)) != 0) return file_error(path);
    return {};
  }

  // Of the record that begins at `at`; empty when it is not what was written.
  Result<std::optional<std::string>> data_of(const RecordHead& head, std::uint64_t at) const {
    std::string data(head.size, '\0');
    WEIR_ASSIGN(const bool whole, read_at(file, data.data(), head.size, at + sizeof head, path));
    const std::string_view hash(head.hash.data(), head.hash.size());
    if (!whole || crypto::sha256(data) != hash) return std::optional<std::string>();
    return std::optional(std::move(data));
  }

  Result<bool> load_head() {
    std::array<char, kMagic.size() + sizeof(std::uint64_t)> head{};
    WEIR_ASSIGN(const bool there, read_at(file, head.data(), head.size(), 0, path));
    if (!there || std::string_view(head.data(), kMagic.size()) != kMagic) return false;
    std::uint64_t size = 0;
    std::memcpy(&size, head.data() + kMagic.size(), sizeof size);
    if (size > kMaxIdentity) return false;
    identity.resize(size);
    WEIR_ASSIGN(const bool named, read_at(file, identity.data(), size, head.size(), path));
    begin = bytes = head.size() + size;
    return named;
  }

  // False: `visit` has seen enough.
  Result<bool> read(Revision from, const Visit& visit) const {
    std::uint64_t at = begin;
    while (at < bytes) {
      RecordHead head;
      WEIR_ASSIGN(const bool there, read_at(file, &head, sizeof head, at, path));
      if (!there || head.size > kMaxData) return damaged(path, at);
      if (head.revision >= from) {
        WEIR_ASSIGN(auto data, data_of(head, at));
        if (!data) return damaged(path, at);
        const LogEntry entry{head.revision, from_unix_ms(head.time_ms), std::move(*data)};
        WEIR_ASSIGN(const bool more, visit(entry));
        if (!more) return false;
      }
      at += sizeof head + head.size;
    }
    return true;
  }
};

EntryJournal::EntryJournal(Options options)
    : options_(std::move(options)),
      older_(std::make_unique<File>(options_.path + ".a")),
      newer_(std::make_unique<File>(options_.path + ".b")) {}

EntryJournal::~EntryJournal() = default;

Result<std::unique_ptr<EntryJournal>> EntryJournal::open(Options options) {
  std::unique_ptr<EntryJournal> journal(new EntryJournal(std::move(options)));
  WEIR_TRY(journal->load());
  return journal;
}

Result<void> EntryJournal::load() {
  for (File* file : {older_.get(), newer_.get()}) {
    WEIR_TRY(file->open());
    WEIR_TRY(file->load());
  }
  if (older_->last > newer_->last) std::swap(older_, newer_);
  identity_ = newer_->identity;
  const bool joined = older_->identity == identity_ && older_->last + 1 == newer_->first;
  if (older_->last > 0 && !joined) return older_->reset(identity_);
  return {};
}

void EntryJournal::bind(const std::string& identity) {
  const std::lock_guard lock(mutex_);
  if (identity == identity_) return;
  identity_ = identity;
  note(begin_anew());
}

Result<void> EntryJournal::begin_anew() {
  WEIR_TRY(older_->reset(identity_));
  return newer_->reset(identity_);
}

void EntryJournal::add(std::span<const DecodedEntry> entries) {
  const std::lock_guard lock(mutex_);
  const auto written = write(entries);
  if (!written) (void)begin_anew();
  note(written);
}

void EntryJournal::note(const Result<void>& written) {
  if (!written && !failing_)
    log::warn("journal_not_written", {{"error", describe(written.error())}});
  failing_ = !written;
}

Result<void> EntryJournal::write(std::span<const DecodedEntry> entries) {
  while (!entries.empty() && entries.front().revision() <= newer_->last) {
    entries = entries.subspan(1);
  }
  if (entries.empty()) return {};
  if (newer_->last > 0 && entries.front().revision() != newer_->last + 1) WEIR_TRY(begin_anew());
  if (newer_->bytes >= options_.max_bytes / 2) {
    std::swap(older_, newer_);
    WEIR_TRY(newer_->reset(identity_));
  }
  buffer_.clear();
  Revision last = entries.front().revision() - 1;
  for (const auto& entry : entries) {
    if (entry.revision() != last + 1) break;  // the rest is refused by whoever applies them
    append_record(buffer_, entry);
    last = entry.revision();
  }
  WEIR_TRY(write_at(newer_->file, buffer_, newer_->bytes, newer_->path));
  if (newer_->first == 0) newer_->first = entries.front().revision();
  newer_->last = last;
  newer_->bytes += buffer_.size();
  return {};
}

EntryJournal::Extent EntryJournal::extent() const {
  const std::lock_guard lock(mutex_);
  return {.first = older_->first > 0 ? older_->first : newer_->first,
          .last = std::max(older_->last, newer_->last),
          .bytes = older_->bytes + newer_->bytes};
}

Result<void> EntryJournal::read(Revision from, const Visit& visit) const {
  const std::lock_guard lock(mutex_);
  bool more = true;
  if (older_->last >= from) {
    WEIR_ASSIGN(more, older_->read(from, visit));
  }
  if (more) WEIR_TRY(newer_->read(from, visit));
  return {};
}

}  // namespace weir::replica
