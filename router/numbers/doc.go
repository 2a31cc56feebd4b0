// Package numbers brings telephone numbers to their international form, E.164, by
// the type of number and the region that a national one is of.
//
// What is no national number of the region stays as it is: short codes, names,
// numbers with * or #, and what is international already.
//
// The rules of all regions are in regions.tsv, which TestRegions_AreThoseOfTheLibrary
// makes of the data of libphonenumber (Apache License 2.0) with -update. The
// library itself reads all of its data when a program starts, each command of
// this one too; so it is asked by tests only, which hold what comes out here
// against it.
package numbers
