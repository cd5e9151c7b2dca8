# How every room is built. Flags live in one interface target; sanitizers come by preset.

set(TONGBAN_SANITIZE "" CACHE STRING "address,undefined or thread")
option(TONGBAN_FUZZ "build the fuzz targets (clang)" OFF)
option(TONGBAN_COVERAGE "count branches (gcc)" OFF)

add_library(tongban_options INTERFACE)
target_include_directories(tongban_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(tongban_options INTERFACE _GNU_SOURCE)
target_compile_options(tongban_options INTERFACE
	-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla -Wundef
	-Werror -UNDEBUG -fno-omit-frame-pointer -fstack-protector-strong)
if(TONGBAN_SANITIZE)
	target_compile_options(tongban_options INTERFACE -fsanitize=${TONGBAN_SANITIZE} -fno-sanitize-recover=all)
	target_link_options(tongban_options INTERFACE -fsanitize=${TONGBAN_SANITIZE})
endif()
if(TONGBAN_SANITIZE STREQUAL "thread")
	add_library(tongban_tsan STATIC cmake/tsan_grpc.c)
	target_link_options(tongban_options INTERFACE
		-Wl,--wrap=grpc_call_start_batch,--wrap=grpc_server_request_call,--wrap=grpc_completion_queue_next)
	target_link_libraries(tongban_options INTERFACE tongban_tsan)
endif()
if(TONGBAN_FUZZ)
	target_compile_options(tongban_options INTERFACE -fsanitize=fuzzer-no-link)
	target_link_options(tongban_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(TONGBAN_COVERAGE)
	# A node counts on many threads: counts that race come out wrong, some below zero.
	target_compile_options(tongban_options INTERFACE --coverage -fprofile-update=atomic)
	target_link_options(tongban_options INTERFACE --coverage)
endif()

# tongban_library(pki key.c cert.c): the room's static library tongban_pki and its alias tongban::pki.
function(tongban_library name)
	add_library(tongban_${name} STATIC ${ARGN})
	add_library(tongban::${name} ALIAS tongban_${name})
	target_link_libraries(tongban_${name} PUBLIC tongban_options)
endfunction()

# tongban_test(pki/cert tongban::pki ...): tests/pki/test_cert.c, run by ctest as pki/cert.
function(tongban_test name)
	string(REPLACE "/" "_" target ${name})
	string(REGEX REPLACE "^.*/" "" stem ${name})
	set(source test_${stem}.c)
	add_executable(test_${target} ${source})
	target_link_libraries(test_${target} PRIVATE ${ARGN} PkgConfig::cmocka)
	target_compile_definitions(test_${target} PRIVATE TEST_DATA="${CMAKE_SOURCE_DIR}/data")
	add_test(NAME ${name} COMMAND test_${target})
	set_tests_properties(${name} PROPERTIES TIMEOUT 300)
endfunction()
