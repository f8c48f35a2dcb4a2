// Operations that wait in the outbox while NATS is away: what of a request may wait, and what its
// client is told before anything is applied.
//
// Stateless: any thread.
#pragma once

#include <optional>
#include <string>

#include "pkg/base/clock.hpp"
#include "pkg/replica/state_machine.hpp"

namespace weir::jobs {

// Whether a submit may wait. Not when it is unique, depends on other jobs, joins a batch, is for
// all workers, has a webhook that only its queue can sign or carries an Idempotency-Key, or its key
// has a quota: what becomes of it is decided by the log alone.
bool may_wait(const replica::Operation& submit);

// Operation::when_kept of a submit: no limit refuses what its client was told is accepted.
inline constexpr std::string_view kAccepted = "\"accepted\":true,";
inline constexpr std::string_view kAcceptedHead = "{\"accepted\":true,";  // of a body

// A work operation without its lease: reports may come late, a lease may not. Nothing when it
// reports nothing.
std::optional<replica::Operation> reports_of(const replica::Operation& work);

// The answer for a kept submit (single, or a part of a batch) or report; `body` is that of the
// operation. Status "accepted" and "storage":"sqlite" say that nothing is decided yet.
std::string kept_answer(const std::string& body, Timestamp now);

}  // namespace weir::jobs
