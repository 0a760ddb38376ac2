// Which segments of a damaged journal a repair may read: those of this journal and of this copy of
// it. A segment not shown to be ours never reaches a book.
#ifndef PINNACLE_REPAIR_TRUST_H_
#define PINNACLE_REPAIR_TRUST_H_

#include <vector>

#include "journal/layout.h"

namespace pinnacle {

// One answer for each of layout.segments. A segment is trusted unless
// - it is missing, its header does not verify, or it belongs to another journal or another index;
// - it differs from the one that the head record names;
// - it follows one of these as a part of the same copy, or leads up to one that the head record has
//   another segment for;
// - the next one is trusted and continues a different segment. (If the later one belongs to a copy
//   that the head record contradicts, the later one is rejected instead.)
// A link that can't be read is damage, not another copy. Segments that lead up to a contradicted
// one stay: it may be an older backup of the right one, and nothing contradicts them.
std::vector<bool> TrustedSegments(const Layout& layout);

}  // namespace pinnacle

#endif  // PINNACLE_REPAIR_TRUST_H_
