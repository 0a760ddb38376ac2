// The native unit tests' main: doctest's, with every *_test.cc beside the code it tests.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "doctest.h"
