# oneDNN, an oracle for the tests and a peer for the benchmark; only used if the build is told its
# folder.

set(HALFSTEP_ONEDNN_DIR "" CACHE PATH "The folder with oneDNN's include/ and libdnnl.so.3, for instance \
what is unpacked from org.bytedeco:dnnl:3.11-1.5.13:linux-x86_64")
if(HALFSTEP_ONEDNN_DIR)
  add_library(onednn SHARED IMPORTED)
  set_target_properties(onednn PROPERTIES
    IMPORTED_LOCATION ${HALFSTEP_ONEDNN_DIR}/libdnnl.so.3
    IMPORTED_SONAME libdnnl.so.3
    INTERFACE_INCLUDE_DIRECTORIES ${HALFSTEP_ONEDNN_DIR}/include
    INTERFACE_LINK_OPTIONS -Wl,-rpath-link,${HALFSTEP_ONEDNN_DIR})
endif()
